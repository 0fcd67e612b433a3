"""Front ends: processes that answer queries beside the engine, and what goes between them and it."""
