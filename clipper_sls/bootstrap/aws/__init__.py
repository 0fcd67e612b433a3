"""The functions of the core stack, each put together while its handler is imported."""
