"""The command line: one file per verb. The only code that prints or exits."""
