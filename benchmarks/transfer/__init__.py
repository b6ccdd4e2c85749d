"""What do learning curves of old tasks save on a new one? `python -m benchmarks.transfer`."""
