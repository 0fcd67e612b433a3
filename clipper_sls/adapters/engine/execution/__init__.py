"""Functions run by AWS Lambda's rules, on this machine: one call at a time for each environment."""
