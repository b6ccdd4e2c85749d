"""Where do learning curves come from? One source a file."""
