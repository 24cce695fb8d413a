"""A user's own suite: the file that says what runs where, its budgets, and its lock file."""
