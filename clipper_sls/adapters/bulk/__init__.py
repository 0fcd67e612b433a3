"""Files that are scored whole, and those that the answers go into: on this machine and in S3."""
