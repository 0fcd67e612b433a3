"""Programs that show clipper-sls at work."""
