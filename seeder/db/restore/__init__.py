"""Tables brought back to the rows that a baseline has, in one transaction."""
