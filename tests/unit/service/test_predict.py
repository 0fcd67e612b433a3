from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import (
    Deadline,
    DefaultReason,
    OutputJson,
    PackedRow,
    Predicted,
    Prediction,
    Query,
    Unanswered,
)
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Switch
from clipper_sls.errors import NotServedError, RequestedVersionError, StoreUnavailableError
from clipper_sls.ports.prediction_cache import FOREVER
from clipper_sls.service.predict import NOT_LOOKED_AT, PredictionService
from clipper_sls.testing.fakes import constant

SHOP = Application(AppName("shop"), InputType.STRINGS, "-1", 100_000)
ONE, TWO = (ModelVersion(ModelId.of("price", n), InputType.STRINGS, bundle_digest=str(n) * 64) for n in (1, 2))
LINK = Link(SHOP.name, ModelName("price"))
CURRENT = Current(ModelName("price"), (Switch(Version("2"), 0.0),))
EVERYTHING = (SHOP, ONE, TWO, LINK, CURRENT)


def query(*rows: PackedRow, version: str | None = None) -> Query:
    return Query(SHOP.name, SHOP.input_type, rows, Deadline(1_000.1), version)


async def predict(predictions: PredictionService, asked: Query) -> list[Prediction]:
    results = await predictions.ask(asked)
    return predictions.answers(SHOP, asked.deadline - SHOP.slo_s, results)


def shout(row: PackedRow) -> Predicted | Unanswered:
    if row == b"bad":
        return Unanswered(DefaultReason.MODEL_FAILED, "ValueError: bad")
    return Predicted(OutputJson(b'"%b"' % row.upper()))


async def test_each_row_gets_the_current_versions_answer_in_order(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    world.invoker.models = {ONE.id: constant(b"1"), TWO.id: shout}
    answers = await predict(predictions, query(b"a", b"b"))
    assert [(answer.query_id, answer.output) for answer in answers] == [(7, b'"A"'), (8, b'"B"')]
    assert world.invoker.asked == [(TWO.id, (b"a", b"b"), 1_000.1)]


async def test_a_pinned_version_is_asked_instead(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    world.invoker.models = {ONE.id: constant(b"1"), TWO.id: shout}
    assert [answer.output for answer in await predict(predictions, query(b"a", version="1"))] == [b"1"]


async def test_an_unknown_pinned_version_is_refused(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    with pytest.raises(RequestedVersionError):
        await predict(predictions, query(b"a", version="9"))


async def test_a_row_that_fails_gets_the_default_and_spoils_no_other(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    world.invoker.models = {TWO.id: shout}
    good, bad, other = await predict(predictions, query(b"a", b"bad", b"b"))
    assert (good.output, other.output) == (b'"A"', b'"B"')
    assert (bad.output, bad.unanswered) == (b'"-1"', Unanswered(DefaultReason.MODEL_FAILED, "ValueError: bad"))


async def test_without_a_linked_model_everybody_gets_the_default(world) -> None:
    predictions = world.predictions(await world.view(SHOP, TWO, CURRENT))
    (answer,) = await predict(predictions, query(b"a"))
    assert answer.unanswered == Unanswered(DefaultReason.NO_MODEL_LINKED)
    assert world.invoker.asked == []


async def test_what_was_answered_is_not_asked_again(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    world.invoker.models = {TWO.id: shout}
    await predict(predictions, query(b"a", b"bad"))
    answers = await predict(predictions, query(b"b", b"a", b"bad"))
    assert [rows for _, rows, _ in world.invoker.asked] == [(b"a", b"bad"), (b"b", b"bad")]
    assert [answer.output for answer in answers] == [b'"B"', b'"A"', b'"-1"']
    assert world.metrics.lookups == [(TWO.id, 0, 2), (TWO.id, 1, 2)]


async def test_other_content_under_the_same_version_is_never_served_from_the_old_ones_answers(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    world.invoker.models = {TWO.id: constant(b"1")}
    await predictions.predict_rows(TWO, [b"a"], Deadline(1e9))
    world.invoker.models = {TWO.id: constant(b"2")}
    assert await predictions.predict_rows(replace(TWO, bundle_digest="f" * 64), [b"a"], Deadline(1e9)) == [
        Predicted(OutputJson(b"2"))
    ]


class BrokenCache:
    def peek(self, keys: Sequence[CacheKey]) -> None:
        """Only the other one can tell."""

    async def get_many(
        self, keys: Sequence[CacheKey], *, ttl_s: float | None = None, deadline: Deadline = FOREVER
    ) -> Mapping[CacheKey, OutputJson]:
        raise StoreUnavailableError("no cache")

    def put_many(self, outputs: Mapping[CacheKey, OutputJson], ttl_s: float | None = None) -> None:
        """Lost."""


async def test_a_cache_that_fails_is_a_miss_and_a_metric(world) -> None:
    world.cache = BrokenCache()
    predictions = world.predictions(await world.view(*EVERYTHING))
    world.invoker.models = {TWO.id: shout}
    assert [answer.output for answer in await predict(predictions, query(b"a"))] == [b'"A"']
    assert world.metrics.cache_failures == 1


async def test_every_answer_is_counted_with_its_reason(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    world.invoker.models = {TWO.id: shout}
    asked = query(b"a", b"bad")
    await world.clock.advance(asked.deadline - SHOP.slo_s + 0.02 - world.clock.now())
    await predict(predictions, asked)
    ((name, latency_s, rows, reasons),) = world.metrics.answers
    assert (name, rows, reasons) == (SHOP.name, 2, (DefaultReason.MODEL_FAILED,))
    assert latency_s == pytest.approx(0.02)  # since it arrived


async def test_an_empty_batch_asks_nobody(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    assert await predict(predictions, query()) == []
    assert world.invoker.asked == []


async def test_names_in_urls_lead_to_what_is_registered_or_nowhere(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    assert await predictions.application("shop") == SHOP
    assert await predictions.model_version("price", None) == TWO
    assert await predictions.model_version("price", "1") == ONE
    for name in ("nowhere", "No Name", "", "x" * 1000):
        with pytest.raises(NotServedError):
            await predictions.application(name)
        with pytest.raises(NotServedError):
            await predictions.model_version(name, None)
        with pytest.raises(NotServedError):
            await predictions.model_version("price", name)


async def test_what_was_due_before_it_was_read_is_refused_unasked(world) -> None:
    predictions = world.predictions(await world.view(*EVERYTHING))
    asked = query(b"a", b"b")
    await world.clock.advance(asked.deadline - world.clock.now())
    answers = await predict(predictions, asked)
    assert [answer.unanswered for answer in answers] == [NOT_LOOKED_AT] * 2
    assert world.invoker.asked == []
