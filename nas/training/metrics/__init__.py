"""Which metrics are there? One a file."""
