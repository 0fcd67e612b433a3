"""What adapters of caches outside this process have in common: when to ask, how long to wait, whom to leave alone."""
