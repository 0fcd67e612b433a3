import pytest

from clipper_sls.domain.record_json import record_from_json, record_key, record_to_json
from clipper_sls.testing.contracts.registry import EVERY_KIND


@pytest.mark.parametrize("record", EVERY_KIND)
def test_a_record_comes_back_from_json_as_it_was(record) -> None:
    kind, _ = record_key(record)
    assert record_from_json(kind, record_to_json(record)) == record


def test_no_two_records_share_a_key() -> None:
    assert len({record_key(record) for record in EVERY_KIND}) == len(EVERY_KIND)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        record_from_json("mystery", "{}")
