"""The immutable result tree: the JSON document that others read, its units and its metrics."""
