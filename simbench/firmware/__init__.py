"""The firmware: fetch its sources, build an image, read it, configure it, explain its faults."""
