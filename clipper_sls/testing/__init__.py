"""For tests, ours and those of users: fakes of the ports, suites that every adapter must pass, a real engine."""

from clipper_sls.testing.clock import ManualClock
from clipper_sls.testing.fakes import FakeInvoker, FakeModelHost, FakeRemoteCache, RecordingMetrics

__all__ = ["FakeInvoker", "FakeModelHost", "FakeRemoteCache", "ManualClock", "RecordingMetrics"]
