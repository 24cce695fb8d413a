"""QEMU: an exact, fast functional emulator, with a plugin of ours that counts."""
