"""What does every other part rest on? Values, constraints, ranking, errors: no torch here, and no files of a run."""
