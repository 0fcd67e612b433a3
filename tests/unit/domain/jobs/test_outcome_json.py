import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.jobs.job import Done, Expired, Failed, Job, JobId, JobRecord, JobState, Outcome, counts
from clipper_sls.domain.jobs.outcome_json import job_from_json, job_to_json, outcome_from_json, outcome_to_json
from clipper_sls.domain.query import DefaultReason, OutputJson, Prediction, Unanswered
from clipper_sls.errors import StoreUnavailableError

outputs = st.sampled_from([b"1.5", b"null", b'"text"', b'{"a":[1,2]}']).map(OutputJson)
reasons = st.builds(Unanswered, st.sampled_from(DefaultReason), st.text(max_size=20))
predictions = st.builds(Prediction, st.integers(0, 2**53), outputs, st.none() | reasons)
outcomes = st.one_of(
    st.lists(predictions, max_size=5).map(Done),
    st.just(Expired()),
    st.builds(Failed, st.text(max_size=20), st.text(max_size=20)),
)


@given(outcomes)
def test_an_outcome_comes_back_as_it_was(outcome: Outcome) -> None:
    assert outcome_from_json(outcome_to_json(outcome)) == outcome


@given(st.binary(max_size=50))
def test_what_is_no_outcome_is_refused(text: bytes) -> None:
    with pytest.raises(StoreUnavailableError):
        outcome_from_json(text)


def test_a_job_comes_back_as_it_was() -> None:
    job = Job(JobId("0" * 32), AppName("shop"), True, 3, 1.5, 2.5, 1e9 + 0.25)
    again = job_from_json(job_to_json(job))
    assert again == job
    assert isinstance(again.application, AppName)
    with pytest.raises(StoreUnavailableError):
        job_from_json(b"{}")


def test_a_record_tells_its_state() -> None:
    job = Job(JobId("0" * 32), AppName("shop"), False, 1, 1.5, 2.5, 3.5)
    found = [JobRecord(job, outcome) for outcome in (None, Done([]), Expired(), Failed("error", "x"))]
    assert [record.state for record in found] == list(JobState)
    assert [record.is_final for record in found] == [False, True, True, False]


@given(outcomes, outcomes)
def test_the_first_result_counts_and_a_failure_is_none(first: Outcome, second: Outcome) -> None:
    assert counts(first, None)
    assert counts(second, first) == (isinstance(first, Failed) and not isinstance(second, Failed))
