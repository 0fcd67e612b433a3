"""The region that AWS's own variables name."""

import os
from collections.abc import Mapping

DEFAULT_REGION = "us-east-1"


def aws_region(variables: Mapping[str, str] = os.environ) -> str:
    """That of AWS_REGION, or AWS_DEFAULT_REGION; else DEFAULT_REGION, which serves where AWS is this machine."""
    return variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
