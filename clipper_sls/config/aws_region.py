"""The region that AWS's own variables name."""

import os
from collections.abc import Mapping

DEFAULT_REGION = "us-east-1"


def aws_region(variables: Mapping[str, str] = os.environ) -> str:
    """Else DEFAULT_REGION, which serves where AWS is this machine."""
    return told_region(variables) or DEFAULT_REGION


def told_region(variables: Mapping[str, str]) -> str | None:
    """That of AWS_REGION, or AWS_DEFAULT_REGION."""
    return variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
