"""Which schedulers are there? One a file: how long each trial trains."""
