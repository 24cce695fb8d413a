"""Renode: a second emulator, driven by its Monitor. Written from its source, never executed."""
