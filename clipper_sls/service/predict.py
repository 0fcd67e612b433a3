"""Answering queries: one answer per row, by the deadline, whatever the models do."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache

from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, shortened
from clipper_sls.domain.query import (
    Deadline,
    DefaultReason,
    OutputJson,
    PackedRow,
    Predicted,
    Prediction,
    Query,
    RowResult,
    Unanswered,
)
from clipper_sls.domain.records import Application, ModelVersion
from clipper_sls.domain.selection import Chance, choose, drawn
from clipper_sls.errors import NotServedError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.service.model_answers import Asked, ModelAnswers, known
from clipper_sls.service.registry_view import RegistryView

NOT_LOOKED_AT = Unanswered(DefaultReason.OVERLOADED, "there was no time to look at it")


class PredictionService:
    """`query_ids` gives a new number for each row answered.

    By `chance` queries go to a canary; None where whoever runs the models draws, as AWS Lambda does.
    """

    def __init__(
        self,
        *,
        registry: RegistryView,
        answers: ModelAnswers,
        clock: Clock,
        metrics: Metrics,
        query_ids: Iterator[int],
        chance: Chance | None = None,
    ) -> None:
        self._registry = registry
        self._answers = answers
        self._clock = clock
        self._metrics = metrics
        self._query_ids = query_ids
        self._chance = chance

    async def application(self, name: str) -> Application:
        """The application that a URL names. Raises NotServedError."""
        if not self._registry.is_fresh:
            await self._registry.fresh()
        return self.known_application(name)

    async def model_version(self, model: str, version: str | None) -> ModelVersion:
        """The version that a URL names, the current one by default. Raises NotServedError."""
        snapshot = await self._registry.fresh()
        if version is None:
            found = drawn(snapshot, ModelName.sought(model), self._chance)
        else:
            found = snapshot.versions.get(ModelId.sought(model, version))
        if found is None:
            which = f"{shortened(model)!r}" + (f" version {shortened(version)!r}" if version is not None else "")
            raise NotServedError(f"No model {which} is registered")
        return found

    def known_application(self, name: str) -> Application:
        """As `application`, from the snapshot in memory, however old. Raises NotServedError."""
        found = self._registry.snapshot.applications.get(AppName.sought(name))
        if found is None:
            raise NotServedError(f"No application {shortened(name)!r} is registered")
        return found

    def ask(self, query: Query) -> Asked:
        """One result per row, in order. Raises RequestedVersionError when the query pins an unknown version."""
        if self._clock.now() >= query.deadline:
            return known([NOT_LOOKED_AT] * len(query.rows))
        version = choose(self._registry.snapshot, query.application, query.version, self._chance)
        if version is None:
            return known([Unanswered(DefaultReason.NO_MODEL_LINKED)] * len(query.rows))
        return self._answers.ask(version, query.rows, query.deadline, query.application)

    def answers(self, application: Application, arrived: float, results: Sequence[RowResult]) -> list[Prediction]:
        """What to tell who asked: outputs, and defaults for what has none. `arrived` is when the query did."""
        reasons = [result.reason for result in results if type(result) is Unanswered]
        self._metrics.answered(application.name, self._clock.now() - arrived, len(results), reasons)
        return self.told(application, results)

    def answered(self, application: Application, arrived: float, predictions: Sequence[Prediction]) -> None:
        """Somebody is told `predictions` that were made elsewhere, or before."""
        reasons = [prediction.unanswered.reason for prediction in predictions if prediction.unanswered is not None]
        self._metrics.answered(application.name, self._clock.now() - arrived, len(predictions), reasons)

    def told(self, application: Application, results: Sequence[RowResult]) -> list[Prediction]:
        """As `answers`, for whoever need not be quick: not counted among what is."""
        return [self._prediction(application, result) for result in results]

    def refuse(self, application: Application, arrived: float) -> Prediction:
        """The answer to a query of one row that nobody looked at."""
        self._metrics.answered(application.name, self._clock.now() - arrived, 1, (NOT_LOOKED_AT.reason,))
        return self._prediction(application, NOT_LOOKED_AT)

    async def predict_rows(
        self, version: ModelVersion, rows: Sequence[PackedRow], deadline: Deadline
    ) -> Sequence[RowResult]:
        """One result per row of `version`, in order, by `deadline`."""
        return await self._answers.ask(version, rows, deadline)

    def _prediction(self, application: Application, result: RowResult) -> Prediction:
        if type(result) is Predicted:
            return Prediction(next(self._query_ids), result.output)
        assert type(result) is Unanswered
        return Prediction(next(self._query_ids), _default_json(application.default_output), result)


@lru_cache(maxsize=1024)
def _default_json(default_output: str) -> OutputJson:
    return OutputJson(json.dumps(default_output).encode())
