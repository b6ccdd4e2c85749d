"""Learning rates that are found while a network trains."""
