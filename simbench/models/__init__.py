"""TensorFlow Lite models: fetch, verify, prepare for a microcontroller, run on the host."""
