"""Which models of a search are there? One a file: what it learns from results chooses among possible children."""
