"""What waits: branches, code, data, caches, each effect on its own."""
