import json
from dataclasses import replace

import pytest

from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.record_json import record_from_json, record_key, record_to_json
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.serving import Serving
from clipper_sls.testing.contracts.registry import EVERY_KIND


@pytest.mark.parametrize("record", EVERY_KIND)
def test_a_record_comes_back_from_json_as_it_was(record) -> None:
    kind, _ = record_key(record)
    assert record_from_json(kind, record_to_json(record)) == record


def test_where_a_version_runs_comes_back() -> None:
    version = ModelVersion(ModelId.of("m", 1), InputType.JSON, endpoint=Endpoint.parse("https://models.example/m"))
    assert record_from_json("version", record_to_json(version)) == version


def test_no_two_records_share_a_key() -> None:
    assert len({record_key(record) for record in EVERY_KIND}) == len(EVERY_KIND)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        record_from_json("mystery", "{}")


def test_a_version_that_an_older_engine_wrote_is_served_by_default() -> None:
    version = next(record for record in EVERY_KIND if isinstance(record, ModelVersion))
    fields = json.loads(record_to_json(version))
    del fields["serving"], fields["url"]
    assert record_from_json("version", json.dumps(fields)) == replace(version, serving=Serving())
