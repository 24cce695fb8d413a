"""The only room that touches a board: the protocol, the conversation, what was observed."""
