"""How the sizes of images are told."""

import pytest

from clipper_sls.cli.images import readable


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_700, "1 MB"), (293_636, "294 kB"), (150_609_687, "151 MB")],
)
def test_a_size_has_three_digits_and_a_unit(size_bytes: int, shown: str) -> None:
    assert readable(size_bytes) == shown
