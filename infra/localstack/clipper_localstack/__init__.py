"""LocalStack with functions as processes of this machine. See README.md beside this package."""
