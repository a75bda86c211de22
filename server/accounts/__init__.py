"""People of the back office and what they may do."""
