"""What was learned from earlier tasks: learning curves of configurations, kept in one file."""
