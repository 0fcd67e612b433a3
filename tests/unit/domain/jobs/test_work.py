import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import JobId
from clipper_sls.domain.jobs.messages import JobMessage, Received
from clipper_sls.domain.jobs.work import (
    RETRY_MAX_S,
    TRANSIENT,
    Task,
    Verdict,
    failure_of,
    grouped,
    next_chunk,
    retry_after_s,
    verdict,
)
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion

NOW = 100.0
NEVER = Deadline(float("inf"))
_numbers = itertools.count()


def _version(version: str = "1") -> ModelVersion:
    return ModelVersion(ModelId.of("price", version), InputType.STRINGS)


def _task(rows: int = 1, *, left_s: float = 30.0, version: str = "1", kind: InputType = InputType.STRINGS) -> Task:
    name = str(next(_numbers))
    message = JobMessage(JobId(name), AppName("shop"), kind, None, 0.0, None)
    packed = [f"{name}-{index}".encode() for index in range(rows)]
    return Task(Received(name, "", "", 1), message, packed, _version(version), Deadline(NOW + left_s), NEVER)


def _waiting(tasks: Sequence[Task]) -> list[tuple[Task, int]]:
    return [(task, index) for task in tasks for index in range(len(task.rows))]


def test_tasks_are_grouped_by_version_and_type_the_most_urgent_first() -> None:
    late, soon, other = _task(left_s=20.0), _task(left_s=5.0), _task(version="2")
    bytes_ = _task(kind=InputType.BYTES)
    groups = grouped([late, other, soon, bytes_])
    assert groups[ModelId.of("price", "1"), InputType.STRINGS] == [soon, late]
    assert groups[ModelId.of("price", "2"), InputType.STRINGS] == [other]
    assert groups[ModelId.of("price", "1"), InputType.BYTES] == [bytes_]


def test_a_chunk_has_rows_of_several_jobs_and_no_more_than_its_size() -> None:
    first, second = _task(2), _task(3)
    chunk = next_chunk(_waiting([first, second]), 4, NOW)
    assert chunk.rows == [*first.rows, *second.rows[:2]]
    assert chunk.deadline == first.deadline


def test_a_job_with_much_time_does_not_share_a_chunk_with_one_that_has_little() -> None:
    urgent, relaxed = _task(left_s=1.0), _task(left_s=30.0)
    assert next_chunk(_waiting([urgent, relaxed]), 10, NOW).rows == urgent.rows


def test_what_is_due_already_is_still_a_chunk() -> None:
    late = _task(left_s=-1.0)
    assert next_chunk(_waiting([late, _task()]), 10, NOW).rows == late.rows


def test_results_find_their_rows() -> None:
    first, second = _task(2), _task(1)
    chunk = next_chunk(_waiting([first, second]), 3, NOW)
    chunk.answered([Predicted(OutputJson(b"%d" % number)) for number in range(3)])
    assert first.answers == [Predicted(OutputJson(b"0")), Predicted(OutputJson(b"1"))]
    assert second.answers == [Predicted(OutputJson(b"2"))]


def test_a_row_that_nobody_came_to_has_timed_out() -> None:
    (found,) = _task(1).answers
    assert isinstance(found, Unanswered)
    assert found.reason is DefaultReason.TIMED_OUT


@given(
    st.lists(st.tuples(st.integers(1, 5), st.floats(0.1, 60.0)), min_size=1, max_size=8),
    st.integers(1, 7),
)
def test_chunks_take_each_row_once_in_time_for_all(shapes: list[tuple[int, float]], size: int) -> None:
    tasks = [_task(rows, left_s=left_s) for rows, left_s in shapes]
    (group,) = grouped(tasks).values()
    waiting, asked = _waiting(group), list[tuple[Task, int]]()
    while waiting:
        chunk = next_chunk(waiting, size, NOW)
        assert 1 <= len(chunk.parts) <= size
        assert all(chunk.deadline <= task.deadline for task, _ in chunk.parts)
        asked += chunk.parts
        waiting = waiting[len(chunk.parts) :]
    assert sorted(task.rows[index] for task, index in asked) == sorted(row for task in tasks for row in task.rows)


def _unanswered(reason: DefaultReason) -> RowResult:
    return Unanswered(reason, "why")


ANSWER = Predicted(OutputJson(b"1"))


@pytest.mark.parametrize("reason", sorted(TRANSIENT))
def test_a_row_that_nobody_could_answer_is_tried_again_and_then_given_up(reason: DefaultReason) -> None:
    results = [ANSWER, _unanswered(reason)]
    assert verdict(results, time_left_s=1.0, tries_left=1) is Verdict.AGAIN
    assert verdict(results, time_left_s=1.0, tries_left=0) is Verdict.NEVER
    assert verdict(results, time_left_s=0.0, tries_left=1) is Verdict.DONE


@pytest.mark.parametrize("reason", sorted(set(DefaultReason) - TRANSIENT))
def test_what_would_come_again_is_an_answer(reason: DefaultReason) -> None:
    assert verdict([_unanswered(reason)], time_left_s=1.0, tries_left=5) is Verdict.DONE


def test_a_failure_names_the_reasons_and_how_many_rows_have_which() -> None:
    results = [ANSWER, *[_unanswered(DefaultReason.NO_REPLICA)] * 2, _unanswered(DefaultReason.MODEL_FAILED)]
    assert failure_of(results) == "2 of 4 rows: no_replica (why)"


def test_the_time_between_tries_doubles_up_to_a_limit() -> None:
    assert [retry_after_s(count) for count in (1, 2, 3)] == [2.0, 4.0, 8.0]
    assert retry_after_s(1_000) == RETRY_MAX_S
