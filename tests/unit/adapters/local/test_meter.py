"""Rates that forget, as load averages do."""

import pytest

from clipper_sls.adapters.local.meter import TICK_S, WINDOWS_S, Meter


def _marked(rate: float, seconds: float) -> Meter:
    meter = Meter(0.0)
    for second in range(int(seconds)):
        meter.mark(int(rate), float(second))
    return meter


def test_a_steady_rate_is_every_windows_rate() -> None:
    rates = _marked(10, 600).rates(600.0)
    assert rates.keys() == {"rate", *WINDOWS_S}
    for rate in rates.values():
        assert rate == pytest.approx(10, rel=0.05)


def test_silence_is_forgotten_sooner_by_the_shorter_window() -> None:
    rates = _marked(10, 600).rates(660.0)
    assert rates["rate_1min"] < rates["rate_5min"] < rates["rate_15min"] < 10
    assert rates["rate_1min"] == pytest.approx(10 * 2.718281828**-1, rel=0.15)


def test_before_the_first_tick_the_overall_rate_stands_in() -> None:
    meter = Meter(0.0)
    meter.mark(4, 1.0)
    assert set(meter.rates(2.0).values()) == {2.0}
    assert TICK_S > 2.0
