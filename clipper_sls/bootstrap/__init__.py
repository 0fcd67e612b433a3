"""Putting processes together: the only place that knows concrete classes. Nothing is imported here, as each process
needs its own part."""
