"""What did a search find, and how sure is that? One page with figures, from the folders of runs."""

import logging

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it can keep no fonts it says so, at length
