"""Logs, metrics and traces as AWS wants them, by Powertools for AWS Lambda."""
