"""Jobs on SQS."""
