"""What is kept in a Redis or Valkey server. Needs the extra `redis`."""
