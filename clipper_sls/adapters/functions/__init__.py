"""The control plane on AWS, on boto3: functions, stacks, images and logs, and management signed by SigV4."""
