"""The predict route of an application, from bytes to bytes. Imports no framework, for the sake of cold starts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Deadline, Query
from clipper_sls.domain.records import Application, Mode
from clipper_sls.errors import ClipperError, NoReplicaError
from clipper_sls.http.answers import Answer, error_answer, failure_answer
from clipper_sls.http.body import SenderLeftError, read_body
from clipper_sls.http.decode import decode_predict
from clipper_sls.http.encode import encode_batch, encode_refusal, encode_single
from clipper_sls.http.inbox import Inbox, Letter
from clipper_sls.http.jobs import NEVER, JobPredictions
from clipper_sls.http.prefer import preferences
from clipper_sls.http.turns import Turns
from clipper_sls.service.model_answers import Asked
from clipper_sls.service.services import PredictionServices

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

BATCH_KEY = b"input_batch"
MOST_RESERVE = 0.25
"""Of the objective; kept back for the way to the client, on which an answer waits until the loop has time for it."""

_QUEUE = Mode.QUEUE  # found faster than in its class

EndsAt = Callable[[], Deadline]
"""When the host of this process ends what it is doing: no answer may be waited for any longer. Where there is such a
host, it is asked anew for each query."""

ENDING = NoReplicaError("The server is ending, and the query was not answered by then; ask again")


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How much one request may bring."""

    max_body_bytes: int
    max_batch_rows: int


class _Asking(Struct, frozen=True):
    """A query that was asked, and the results to come."""

    application: Application
    arrived: float
    is_batch: bool
    results: Asked


class PredictRoute:
    """One query from bytes to bytes. The deadline is fixed here, when the request arrives, and nowhere else.

    Without `jobs`, whoever is asked must see with `is_for_jobs` which queries are to go elsewhere.
    """

    def __init__(
        self,
        services: PredictionServices,
        limits: InputLimits,
        *,
        jobs: JobPredictions | None = None,
        ends_at: EndsAt | None = None,
    ) -> None:
        self._services = services
        self._limits = limits
        self._jobs = jobs
        self._ends_at = ends_at
        self._turns = Turns(services.clock.now)
        self._inbox = Inbox(services.clock.now, look=self._look, give_up=self._give_up)

    @property
    def max_body_bytes(self) -> int:
        return self._limits.max_body_bytes

    @property
    def is_at_hand(self) -> bool:
        """Whether `begin` may be used: what is registered need not be read first."""
        return self._services.registry.is_fresh

    def begin(self, name: str, content: bytes, answered: Callable[[Answer], None]) -> bool:
        """Answer a whole body without a coroutine. `answered` is called once, at once or later; it must not raise.

        False for a query that `answer` is to be asked for instead; then it is not called.
        """
        try:
            application = self._services.predictions.known_application(name)
        except ClipperError as error:
            answered(error_answer(error))
            return True
        if application.mode is _QUEUE:
            return False
        self._inbox.put(Letter(application, content, self._turns.arrival(), answered))
        return True

    def is_for_jobs(self, name: str, scope: "Scope") -> bool:
        """Whether a query must go to where the jobs are, and they are not here."""
        if self._jobs is not None:
            return False
        application = self._services.registry.snapshot.applications.get(AppName.sought(name))
        is_queued = application is not None and application.mode is Mode.QUEUE
        return is_queued or preferences(scope["headers"]).is_async

    async def answer(self, name: str, scope: "Scope", receive: "Receive") -> Answer:
        """Predictions for the request that `receive` brings, or what is wrong with it. Raises SenderLeftError."""
        arrived = self._services.clock.now()
        try:
            application = await self._services.predictions.application(name)
            content = await read_body(scope, receive, self._limits.max_body_bytes)
            if self._jobs is not None:
                preferred = preferences(scope["headers"])
                if self._jobs.are_wanted(application, preferred):
                    body = decode_predict(application.input_type, content, self._limits.max_batch_rows)
                    latest = NEVER if self._ends_at is None else self._ends_at()
                    return await self._jobs.answer(application, body, arrived, preferred, latest)
            asking = self._ask(application, content, arrived)
            await asking.results
            return self._finished(name, asking)
        except SenderLeftError:
            raise
        except asyncio.CancelledError:  # by the server alone, when it has waited long enough to end
            return error_answer(ENDING)
        except Exception as error:
            return failure_answer(name, error)

    def _look(self, letter: Letter) -> None:
        name = letter.application.name
        try:
            reserve_s = min(self._turns.last_s, MOST_RESERVE * letter.application.slo_s)
            asking = self._ask(letter.application, letter.content, letter.arrived, reserve_s)
        except Exception as error:
            letter.answer(failure_answer(name, error))
            return
        if asking.results.done():
            letter.answer(self._finished(name, asking))
        else:
            asking.results.add_done_callback(lambda _: self._answer(letter, asking))

    def _answer(self, letter: Letter, asking: _Asking) -> None:
        letter.answer(self._finished(letter.application.name, asking))
        self._inbox.answered(letter)

    def _give_up(self, letter: Letter) -> None:
        """A batch is looked at in any case: nobody knows how many answers it wants."""
        if BATCH_KEY in letter.content:
            self._look(letter)
            return
        refused = self._services.predictions.refuse(letter.application, letter.arrived)
        letter.answer(Answer(200, encode_refusal(refused)))

    def _ask(self, application: Application, content: bytes, arrived: float, reserve_s: float = 0.0) -> _Asking:
        body = decode_predict(application.input_type, content, self._limits.max_batch_rows)
        deadline = Deadline(arrived + application.slo_s - reserve_s)
        if self._ends_at is not None:
            deadline = min(deadline, self._ends_at())
        query = Query(application.name, application.input_type, body.rows, deadline, body.version)
        return _Asking(application, arrived, body.is_batch, self._services.predictions.ask(query))

    def _finished(self, name: str, asking: _Asking) -> Answer:
        try:
            results = asking.results.result()
            predictions = self._services.predictions.answers(asking.application, asking.arrived, results)
            return Answer(200, encode_batch(predictions) if asking.is_batch else encode_single(predictions[0]))
        except Exception as error:
            return failure_answer(name, error)
