"""The servers that are compared, each started as its own documentation advises."""
