"""Rows leave the queue most urgent first; none is lost and none leaves twice."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clipper_sls.adapters.engine.calls import LATE, Call
from clipper_sls.adapters.engine.row_queue import RowQueue
from clipper_sls.domain.query import DefaultReason, OutputJson, Predicted, Unanswered

ROOMY = 1 << 30
NO_REPLICA = Unanswered(DefaultReason.NO_REPLICA)


def take(queue, max_rows=1_000, max_bytes=ROOMY, now=0.0):
    batch = queue.take(max_rows, max_bytes, now)
    return batch.rows if batch else []


def answer(batch):
    """Answer every row of a batch with itself."""
    batch.answer([Predicted(OutputJson(row)) for row in batch.rows])


def test_the_most_urgent_rows_leave_first(make_call):
    queue = RowQueue()
    for deadline in (3.0, 1.0, 2.0):
        queue.push(make_call(deadline, 2, f"{deadline:g}"))

    assert take(queue, 3) == [b"1 0", b"1 1", b"2 0"]
    assert take(queue, 3) == [b"2 1", b"3 0", b"3 1"]
    assert take(queue, 3) == []


def test_among_equals_the_first_comes_first(make_call):
    queue = RowQueue()
    for name in "abc":
        queue.push(make_call(name=name))

    assert take(queue) == [b"a 0", b"b 0", b"c 0"]


def test_a_batch_has_no_more_bytes_than_asked(make_call):
    queue = RowQueue()
    queue.push(make_call(rows=[b"x" * 6, b"x" * 3, b"x" * 6, b"x" * 99]))

    assert [len(take(queue, max_bytes=10)) for _ in range(3)] == [2, 1, 1]


def test_a_row_that_is_larger_than_a_batch_goes_alone(make_call):
    queue = RowQueue()
    queue.push(make_call(rows=[b"x" * 99]))
    queue.push(make_call(rows=[b"x"]))

    assert [len(take(queue, max_bytes=10)) for _ in range(2)] == [1, 1]


def test_rows_that_are_due_do_not_leave(make_call):
    queue = RowQueue()
    due, other = make_call(1.0, 3), make_call(2.0, name="other")
    queue.push(due)
    queue.push(other)

    assert take(queue, now=1.0) == [b"other 0"]
    assert due.answered.result() == [LATE] * 3
    assert len(queue) == 0


def test_forgotten_rows_do_not_leave(make_call):
    queue = RowQueue()
    gone = make_call(1.0, 3)
    queue.push(gone)
    queue.push(make_call(2.0))

    gone.answered.cancel()
    queue.forget(gone)

    assert len(queue) == 1
    assert take(queue) == [b"row 0"]


def test_rows_that_are_pushed_apart_leave_one_at_a_time(make_call):
    queue = RowQueue()
    queue.push(make_call(1.0, 2))
    batch = queue.take(10, ROOMY, 0.0)
    queue.push(make_call(2.0, 2, "other"))

    queue.push_apart(batch)

    assert [take(queue) for _ in range(3)] == [[b"row 0"], [b"row 1"], [b"other 0", b"other 1"]]


def test_a_row_that_goes_alone_does_not_join_others(make_call):
    queue = RowQueue()
    queue.push(make_call(2.0))
    batch = queue.take(10, ROOMY, 0.0)
    queue.push_apart(batch)
    queue.push(make_call(1.0, name="urgent"))

    first = queue.take(10, ROOMY, 0.0)
    second = queue.take(10, ROOMY, 0.0)

    assert (first.rows, first.is_alone) == ([b"urgent 0"], False)
    assert (second.rows, second.is_alone) == ([b"row 0"], True)


def test_rows_of_calls_that_are_over_are_not_tried_again(make_call):
    queue = RowQueue()
    call = make_call()
    queue.push(call)
    batch = queue.take(10, ROOMY, 0.0)

    call.give_up()
    queue.push_apart(batch)

    assert len(queue) == 0


def test_draining_answers_what_waits_and_leaves_what_is_under_way(make_call):
    queue = RowQueue()
    call = make_call(count=3)
    queue.push(call)
    under_way = queue.take(1, ROOMY, 0.0)

    for span in queue.drain():
        span.fail(NO_REPLICA)

    assert not call.is_over
    assert len(queue) == 0
    answer(under_way)
    assert call.answered.result() == [Predicted(OutputJson(b"row 0")), NO_REPLICA, NO_REPLICA]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 20))), st.integers(1, 7))
def test_batches_come_in_the_order_of_deadlines(make_call, calls, max_rows):
    queue = RowQueue()
    for deadline, count in calls:
        queue.push(make_call(float(deadline), count, str(deadline)))

    batches = iter(lambda: take(queue, max_rows), [])
    left = [int(row.split()[0]) for batch in batches for row in batch]

    assert left == sorted(left)
    assert len(left) == sum(count for _, count in calls)


class QueueMachine(RuleBasedStateMachine):
    """Any history of a queue: every row is answered once, late, or given up, and the count of waiting rows is right."""

    @initialize()
    def start(self):
        self.loop = asyncio.new_event_loop()
        self.queue = RowQueue()
        self.now = 0.0
        self.calls = []
        self.under_way = []
        self.tried_alone = set()

    def teardown(self):
        if not hasattr(self, "queue"):
            return
        while (batch := self.queue.take(1_000, ROOMY, self.now)) is not None:
            answer(batch)
        for batch in self.under_way:
            answer(batch)
        for call in self.calls:
            assert call.is_over
            if not call.answered.cancelled():
                for row, result in zip(call.rows, call.answered.result(), strict=True):
                    assert result == (LATE if result is LATE else Predicted(OutputJson(row)))
        self.loop.close()

    @rule(urgency=st.integers(1, 10), count=st.integers(1, 5))
    def push(self, urgency, count):
        rows = [f"{len(self.calls)} {number}".encode() for number in range(count)]
        future = self.loop.create_future()
        self.calls.append(Call(rows, arrived_at=self.now, deadline=self.now + urgency, answered=future))
        self.queue.push(self.calls[-1])

    @rule(max_rows=st.integers(1, 6))
    def take(self, max_rows):
        batch = self.queue.take(max_rows, ROOMY, self.now)
        if batch is None:
            assert len(self.queue) == 0
            return
        assert 1 <= batch.size <= max_rows
        assert batch.size == 1 or not batch.is_alone
        taken = {row for other in self.under_way for row in other.rows}
        assert not taken & set(batch.rows)
        self.under_way.append(batch)

    @rule()
    def finish(self):
        if self.under_way:
            answer(self.under_way.pop(0))

    @rule()
    def lose(self):
        if self.under_way:
            batch = self.under_way.pop()
            if not batch.is_alone:
                self.queue.push_apart(batch)
            else:
                answer(batch)

    @rule(seconds=st.floats(0.0, 4.0))
    def wait(self, seconds):
        self.now += seconds

    @rule(index=st.integers(0, 5))
    def cancel(self, index):
        if index < len(self.calls):
            self.calls[index].answered.cancel()
            self.queue.forget(self.calls[index])

    @invariant()
    def counts_what_waits(self):
        if hasattr(self, "calls"):
            assert len(self.queue) == sum(call.queued for call in self.calls)
            assert all(call.queued >= 0 for call in self.calls)


TestQueueMachine = QueueMachine.TestCase
