"""Clipper's names for our errors: whoever catches `ClipperException` catches everything that clipper-sls raises."""

from clipper_sls.errors import ClipperError, UnconnectedError

ClipperException = ClipperError
UnconnectedException = UnconnectedError

__all__ = ["ClipperException", "UnconnectedException"]
