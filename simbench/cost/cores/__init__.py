"""Cores: what Arm's manuals say an instruction takes, a pipeline's code beside its numbers."""
