"""What did a search find, and how sure is that? One page with figures, from the folders of runs."""
