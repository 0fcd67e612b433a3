"""The environment of this process, for those who are put together from it."""

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    return os.environ
