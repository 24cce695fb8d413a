"""Tasks to results: measure, compare with the host, price, put together."""
