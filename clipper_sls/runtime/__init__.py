"""The code inside a model image: one process, one model version, asked through the AWS Lambda Runtime API.

Runs where only awslambdaric, cloudpickle, numpy and the model's own packages are installed, so it imports nothing else.
"""
