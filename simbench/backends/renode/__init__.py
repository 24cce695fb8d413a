"""Renode: a second emulator, driven by its Monitor."""
