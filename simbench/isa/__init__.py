"""Thumb-2 decoding: from the bytes of a basic block to instructions with class and operands."""
