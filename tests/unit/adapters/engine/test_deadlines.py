"""Many deadlines, one timer."""

import asyncio

from clipper_sls.adapters.engine.calls import Call
from clipper_sls.adapters.engine.deadlines import MAX_FINISHED, Deadlines
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.query import Deadline, OutputJson, Predicted

LIMIT_S = 10.0


def _call(clock: SystemClock, in_s: float) -> Call:
    now = clock.now()
    answered = asyncio.get_running_loop().create_future()
    return Call([b"row"], arrived_at=now, deadline=Deadline(now + in_s), answered=answered)


def _finish(call: Call) -> None:
    call.answer(0, [Predicted(OutputJson(b"1"))])


async def test_calls_pass_in_the_order_of_their_deadlines_and_not_before() -> None:
    clock, passed = SystemClock(), []
    all_passed = asyncio.Event()

    def note(call: Call) -> None:
        assert clock.now() >= call.deadline - 0.001
        passed.append(call)
        if len(passed) == 3:
            all_passed.set()

    deadlines = Deadlines(clock, note)
    late, soon, middle = (_call(clock, in_s) for in_s in (0.06, 0.02, 0.04))
    for call in (late, soon, middle):
        deadlines.add(call)
    await asyncio.wait_for(all_passed.wait(), LIMIT_S)
    assert passed == [soon, middle, late]


async def test_a_call_that_is_over_never_passes() -> None:
    clock, passed = SystemClock(), []
    last = asyncio.Event()
    deadlines = Deadlines(clock, lambda call: (passed.append(call), last.set()))
    answered, open_call = _call(clock, 0.01), _call(clock, 0.03)
    deadlines.add(answered)
    deadlines.add(open_call)
    _finish(answered)
    await asyncio.wait_for(last.wait(), LIMIT_S)
    assert passed == [open_call]


async def test_a_deadline_that_is_past_passes_at_once() -> None:
    clock, passed = SystemClock(), asyncio.Event()
    Deadlines(clock, lambda _: passed.set()).add(_call(clock, -1.0))
    await asyncio.wait_for(passed.wait(), LIMIT_S)


async def test_calls_that_are_over_are_let_go_long_before_a_far_deadline() -> None:
    clock = SystemClock()
    deadlines = Deadlines(clock, lambda _: None)
    for _ in range(20 * MAX_FINISHED):
        call = _call(clock, 3600.0)
        deadlines.add(call)
        _finish(call)
    assert len(deadlines._heap) <= 2 * MAX_FINISHED
    still_open = [_call(clock, 3600.0) for _ in range(3 * MAX_FINISHED)]
    for call in still_open:
        deadlines.add(call)
    assert len([entry for entry in deadlines._heap if not entry[2].is_over]) == len(still_open)
