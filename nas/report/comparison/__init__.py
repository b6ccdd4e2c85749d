"""Which strategy is better, and is that more than luck? Equal budgets, equal data, several seeds, tests."""
