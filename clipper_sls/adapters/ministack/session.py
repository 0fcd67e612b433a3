"""AWS's SDK for a server that asks nobody who they are."""

import boto3

ANY_KEY = "test"


def any_session(region: str) -> boto3.Session:
    return boto3.Session(region_name=region, aws_access_key_id=ANY_KEY, aws_secret_access_key=ANY_KEY)
