"""Which optimizer and which policy are better at equal total steps, and how much tuning did that take?"""
