"""One suite per port, for pytest: subclass it, give it the adapter as a fixture, and it must pass."""
