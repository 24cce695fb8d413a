"""MLCommons Tiny's own tools at the served board: its interface board, and its runner."""
