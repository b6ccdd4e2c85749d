"""Which data sets are known by name? One a file."""
