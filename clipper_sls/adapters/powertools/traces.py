"""Traces of invocations, in AWS X-Ray. Importing this imports botocore, which takes a few tenths of a second."""

from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Tracer


class Traces:
    """Adds to the segment that Lambda makes of each invocation; does nothing outside Lambda."""

    def __init__(self, service: str) -> None:
        self._tracer = Tracer(service=service, auto_patch=False)

    @contextmanager
    def invocation(self, name: str, **annotations: str) -> Iterator[None]:
        """A subsegment `name`, by whose `annotations` traces can be looked for."""
        with self._tracer.provider.in_subsegment(name=name) as subsegment:
            for key, value in annotations.items():
                subsegment.put_annotation(key, value)
            yield
