"""The load generator, which runs in a process of its own: what it asks, when, and what it makes of the answers."""
