"""Replicas as containers of a Docker engine; with the extra `docker`."""
