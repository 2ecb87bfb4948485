"""The meter: what was measured comes out, and a slip in labels stops nothing."""

from __future__ import annotations

from floorbroker.api import PrometheusMeter


def test_counts_gauges_and_latencies_come_out_as_text() -> None:
    meter = PrometheusMeter()
    meter.count("orders_total", outcome="filled")
    meter.count("orders_total", 2, outcome="filled")
    meter.gauge("uptime_seconds", 5)
    meter.observe("commit_seconds", 0.002, stage="journal")
    told = meter.render().decode()
    assert 'floorbroker_orders_total{outcome="filled"} 3.0' in told
    assert "floorbroker_uptime_seconds 5.0" in told
    assert 'floorbroker_commit_seconds_bucket{le="0.0025",stage="journal"} 1.0' in told


def test_a_use_with_other_labels_is_counted_and_harmless() -> None:
    meter = PrometheusMeter()
    meter.count("orders_total", outcome="filled")
    meter.count("orders_total", colour="red")
    told = meter.render().decode()
    assert 'floorbroker_orders_total{outcome=""} 1.0' in told
    assert 'floorbroker_meter_mismatch_total{metric="orders_total"} 1.0' in told


def test_a_profile_that_went_leaves_no_figures_behind_and_one_that_comes_back_goes_on() -> None:
    meter = PrometheusMeter()
    for name in ("kept", "gone", "history"):  # the last one is no session of a desk
        meter.gauge("health_score", 90, profile=name)
    for here in ({"kept", "gone"}, {"kept"}):
        meter.serves(here)
    told = meter.render().decode()
    assert [name in told for name in ('"kept"', '"gone"', '"history"')] == [True, False, True]
    meter.serves({"kept", "gone"})
    assert '"gone"' in meter.render().decode()
