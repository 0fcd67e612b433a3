"""What a Docker engine does for us; with the extra `docker`."""
