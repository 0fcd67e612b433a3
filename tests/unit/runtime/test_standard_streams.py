"""Nobody who prints fails because a disk is full."""

import sys

import pytest

from clipper_sls.runtime.standard_streams import LossyFile


@pytest.mark.skipif(sys.platform != "linux", reason="the device that is always full exists on Linux only")
def test_what_a_full_disk_has_no_room_for_is_lost() -> None:
    with LossyFile("/dev/full", "w") as file:
        assert file.write(b"lost") == 4


def test_what_there_is_room_for_is_written(tmp_path) -> None:
    with LossyFile(tmp_path / "log", "w") as file:
        assert file.write(b"kept") == 4
    assert (tmp_path / "log").read_bytes() == b"kept"


def test_other_errors_are_raised(tmp_path) -> None:
    (tmp_path / "log").touch()
    with LossyFile(tmp_path / "log", "r") as file, pytest.raises(OSError, match="not open for writing"):
        file.write(b"kept")
