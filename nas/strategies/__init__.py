"""Which strategies are there? One a file: which configurations are tried."""
