"""From points to what people read: tables, charts, JSON."""
