"""AT2 as published, with an exact posterior: its kernels, and its upper confidence bound."""
