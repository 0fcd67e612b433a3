import pytest

from clipper_sls.domain.serving import Batching, Serving
from clipper_sls.errors import InvalidSettingError


def test_an_idempotent_model_may_be_asked_twice() -> None:
    assert Serving().may_hedge
    assert not Serving(is_idempotent=False).may_hedge


def test_hedging_can_be_decided_by_hand() -> None:
    assert not Serving(hedging=False).may_hedge
    assert Serving(is_idempotent=False, hedging=True).may_hedge


@pytest.mark.parametrize("wait_s", [-0.001, 10.5, float("nan"), float("inf")])
def test_a_wait_for_a_batch_is_bounded(wait_s: float) -> None:
    with pytest.raises(InvalidSettingError, match="wait for a batch"):
        Serving(batch_wait_s=wait_s)


@pytest.mark.parametrize("ttl_s", [0.0, -1.0, float("nan"), float("inf")])
def test_outputs_are_kept_for_some_time_or_for_ever(ttl_s: float) -> None:
    with pytest.raises(InvalidSettingError, match="cache_ttl_s"):
        Serving(cache_ttl_s=ttl_s)


def test_a_way_of_batching_goes_by_its_name() -> None:
    assert Batching.parse("quantile") is Batching.QUANTILE
    with pytest.raises(InvalidSettingError, match="'aimd', 'quantile', not 'fast'"):
        Batching.parse("fast")
