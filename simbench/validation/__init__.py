"""The model against published silicon: the measurements, and what it makes of them."""
