"""Who is told about results? Trackers: they watch, and never disturb."""
