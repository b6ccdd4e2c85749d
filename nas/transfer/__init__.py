"""What do earlier tasks teach about a new one? Numbers only: no files, no training."""
