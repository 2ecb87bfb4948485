"""Spans as they are exported: nested, timed by our clock, numbered by our random numbers, and free of anybody's words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from floorbroker.app.tracing import OtelTracer, tracer_of
from floorbroker.domain.clock import ManualClock, SystemClock
from floorbroker.domain.errors import ConfigInvalid, OrderRejected
from floorbroker.domain.ports import NO_TRACER

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def traced(seed: int = 1) -> tuple[OtelTracer, ManualClock, InMemorySpanExporter]:
    clock, exporter = ManualClock(START), InMemorySpanExporter()
    return OtelTracer(exporter, clock=clock, random=Random(seed), at_once=True), clock, exporter


def ids(span: ReadableSpan) -> tuple[int, int, int | None]:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id, span.parent.span_id if span.parent else None


@pytest.mark.asyncio
async def test_spans_nest_by_the_task_they_run_in_and_last_as_long_as_the_clock_says() -> None:
    tracer, clock, exporter = traced()

    async def inner() -> None:
        with tracer.span("inner"):
            await clock.sleep(2)

    with tracer.span("outer", profile="a"):
        running = asyncio.gather(inner(), inner())
        await asyncio.sleep(0)
        await clock.advance(2)
        await running
    with tracer.span("alone"):
        pass
    first, second, outer, alone = exporter.get_finished_spans()
    assert [span.name for span in (first, second, outer, alone)] == ["inner", "inner", "outer", "alone"]
    assert ids(first)[::2] == ids(second)[::2] == (ids(outer)[0], ids(outer)[1])
    assert ids(alone)[0] != ids(outer)[0]
    assert (outer.start_time, outer.end_time) == (1795185000 * 10**9, 1795185002 * 10**9)
    assert dict(outer.attributes or {}) == {"profile": "a"}


@pytest.mark.asyncio
async def test_work_that_outlives_the_span_it_was_begun_in_is_a_trace_of_its_own_that_names_it() -> None:
    tracer, _, exporter = traced()
    ended = asyncio.Event()

    async def lives_on() -> None:
        with tracer.span("during"):
            await ended.wait()
        with tracer.span("afterwards"), tracer.span("inside"):
            pass

    with tracer.span("request"):
        task = asyncio.create_task(lives_on())
        await asyncio.sleep(0)
    ended.set()
    await task
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert ids(spans["during"])[::2] == ids(spans["request"])[:2]
    assert ids(spans["afterwards"])[2] is None
    assert [link.context.span_id for link in spans["afterwards"].links] == [ids(spans["request"])[1]]
    assert ids(spans["inside"])[::2] == ids(spans["afterwards"])[:2]
    assert len({ids(span)[0] for span in spans.values()}) == 2


def test_the_same_seed_gives_the_same_ids() -> None:
    def run(seed: int) -> list[tuple[int, int, int | None]]:
        tracer, _, exporter = traced(seed)
        with tracer.span("outer"), tracer.span("inner"):
            pass
        return [ids(span) for span in exporter.get_finished_spans()]

    assert run(1) == run(1) != run(2)


def test_a_failure_is_told_by_its_code_and_not_in_a_venues_words() -> None:
    tracer, _, exporter = traced()
    with pytest.raises(OrderRejected), tracer.span("order.send"):
        raise OrderRejected("no", venue_text="your key abc is bad")
    (span,) = exporter.get_finished_spans()
    assert span.status.description == "order_rejected"
    assert not span.events
    assert "abc" not in span.to_json()


def test_a_callers_trace_goes_on_and_is_handed_on() -> None:
    tracer, _, exporter = traced()
    with tracer.span("door.request", traceparent=CALLER) as span:
        handed_on = span.traceparent
    (told,) = exporter.get_finished_spans()
    assert ids(told)[0] == 0x0AF7651916CD43DD8448EB211C80319C
    assert ids(told)[2] == 0xB7AD6B7169203331
    assert handed_on == f"{CALLER[:36]}{ids(told)[1]:016x}-01"


@pytest.mark.parametrize(
    "header",
    ["", "x" * 55, CALLER.upper(), CALLER + "-1", "01" + CALLER[2:], f"00-{0:032x}-{1:016x}-01", f"00-{1:032x}-{0:016x}-01"],
)  # fmt: skip
def test_what_is_no_traceparent_begins_a_trace_of_our_own(header: str) -> None:
    tracer, _, exporter = traced()
    with tracer.span("door.request", traceparent=header):
        pass
    (span,) = exporter.get_finished_spans()
    assert span.parent is None


def test_a_caller_that_does_not_record_is_not_recorded() -> None:
    tracer, _, exporter = traced()
    with tracer.span("door.request", traceparent=CALLER[:-2] + "00"), tracer.span("inner"):
        pass
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://example.com/v1/traces",
        "ftp://127.0.0.1/",
        "127.0.0.1:4318",
        "https://me:key@x.example/",
        "https://x.example/?key=1",
    ],
)
def test_traces_leave_by_https_and_without_secrets_in_the_address(endpoint: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"telemetry\.endpoint"):
        tracer_of(endpoint, clock=SystemClock(), random=Random(1))


def test_without_an_endpoint_nothing_is_traced() -> None:
    assert tracer_of("", clock=SystemClock(), random=Random(1)) is None
    with NO_TRACER.span("order.submit", profile="a") as span:
        span.note(status="200")
        span.failed("timeout")
        assert span.traceparent == ""
    with pytest.raises(OrderRejected), NO_TRACER.span("order.send"):
        raise OrderRejected("no")
