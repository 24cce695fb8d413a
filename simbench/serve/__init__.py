"""The board that is not there, behind a serial port: any client of the protocol can talk to it."""
