"""Traces inside a simulation: virtual time, seeded ids, and not a step of the desk's is another for them."""

from __future__ import annotations

from random import Random

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from floorbroker.app.tracing import OtelTracer
from floorbroker.gateway.gateway import Gateway
from tests.simulation.house import Plant
from tests.simulation.plan import plan_of
from tests.simulation.run import Report, run


def traced(seed: int) -> tuple[Report, list[ReadableSpan]]:
    exporter = InMemorySpanExporter()

    def observe(desk: Gateway) -> None:
        tracer = OtelTracer(exporter, clock=desk.clock, random=Random(seed), at_once=True)
        for session in desk.sessions.values():
            session.ctx.tracer = tracer

    report = run(plan_of(seed), plant=Plant(desk=observe), fingerprint=True)
    return report, list(exporter.get_finished_spans())


@pytest.mark.parametrize("seed", [3, 8])
def test_a_traced_schedule_is_the_same_schedule_and_its_traces_are_the_same_each_time(seed: int) -> None:
    plain = run(plan_of(seed), fingerprint=True)
    (report, spans), (_, again) = traced(seed), traced(seed)
    assert report.digest == plain.digest
    assert report.steps == plain.steps
    assert not report.violations
    assert [span.to_json() for span in spans] == [span.to_json() for span in again]
    assert {"order.submit", "order.risk", "order.commit", "order.send", "order.fold", "reconcile.round"} <= {
        span.name for span in spans
    }
    assert all(span.start_time is not None and (span.end_time or 0) >= span.start_time for span in spans)
