"""What calls of AWS cost the processor of who makes them: boto3's beside those of clipper-sls."""
