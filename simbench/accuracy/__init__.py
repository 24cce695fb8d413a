"""How often a model is right: labelled data, what the firmware or the host says of it, a score."""
