"""Tables for a terminal of 80 columns, one file a subject."""
