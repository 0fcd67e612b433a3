"""A fake of who answers whole files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from clipper_sls.domain.bulk.rows import RowAnswer
from clipper_sls.domain.query import OutputJson
from clipper_sls.errors import ClipperError, InvalidInputError


@dataclass
class FakeBulkPredictor:
    """Answers each input with itself. `most_in_time` rows of a batch are in time, and those in `refused` make it
    fail. The errors in `failures` come first, one for each batch.
    """

    most_in_time: int = 1_000_000
    refused: frozenset[bytes] = frozenset()
    failures: list[ClipperError] = field(default_factory=list)
    defaults: dict[bytes, RowAnswer] = field(default_factory=dict)
    batches: list[Sequence[bytes]] = field(default_factory=list)
    before: Callable[[Sequence[bytes]], None] = lambda _: None

    async def predict(self, inputs: Sequence[bytes]) -> Sequence[RowAnswer]:
        self.batches.append(list(inputs))
        self.before(inputs)
        if self.failures:
            raise self.failures.pop(0)
        if self.refused.intersection(inputs):
            raise InvalidInputError("an input is of another type")
        late = RowAnswer(OutputJson(b"-1"), "timed_out")
        answers = [self.defaults.get(content) or RowAnswer(OutputJson(content)) for content in inputs]
        return [*answers[: self.most_in_time], *[late] * (len(inputs) - self.most_in_time)]


def row_numbers(batches: Sequence[Sequence[bytes]]) -> list[int]:
    """Inputs that are numbers, in the order in which they were asked."""
    return [msgspec.json.decode(content, type=int) for batch in batches for content in batch]
