"""What did earlier tasks say of a search, and was it so? One section of its report."""
