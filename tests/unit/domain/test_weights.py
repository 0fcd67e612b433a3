"""Entries that name a format of weights."""

import pytest

from clipper_sls.domain.bundle import CLOSURE_ENTRY, NOOP_ENTRY
from clipper_sls.domain.weights import WeightsFormat, weights_format


@pytest.mark.parametrize("kind", WeightsFormat)
def test_an_entry_names_its_format(kind):
    assert weights_format(kind.entry) is kind


@pytest.mark.parametrize("entry", [CLOSURE_ENTRY, NOOP_ENTRY, "weights:", "weights:of-a-later-release", "skops"])
def test_other_entries_name_none(entry):
    assert weights_format(entry) is None
