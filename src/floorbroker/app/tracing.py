"""Traces for OpenTelemetry behind the `Tracer` port (extra `otel`): spans are told when they end, and nothing is global.

Times come from our clock and ids from our random numbers, so a simulation's traces are the same each time.  What is current is
kept by the tracer itself, for each task.  An error is told by its code: its words may be a venue's.
"""

from __future__ import annotations

import re
from contextvars import ContextVar, Token
from importlib.util import find_spec
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid, FloorbrokerError, without_extra
from floorbroker.transport.reach import is_loopback

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as Recorded

EXPORT_S = 5
_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NANO = 1_000_000_000
_PARTS = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter")  # each is looked for inside the one before


class OtelTracer:
    """Implements `ports.Tracer`.  `at_once` exports each span as it ends (tests); otherwise a thread does, in batches."""

    def __init__(self, exporter: SpanExporter, *, clock: Clock, random: Random, at_once: bool = False) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
        from opentelemetry.sdk.trace.id_generator import IdGenerator
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

        class Ids(IdGenerator):
            """Never zero, which stands for none."""

            def generate_span_id(self) -> int:
                return random.getrandbits(64) or 1

            def generate_trace_id(self) -> int:
                return random.getrandbits(128) or 1

        self._provider = TracerProvider(
            resource=Resource({"service.name": "floorbroker"}),
            sampler=ParentBased(ALWAYS_ON),
            id_generator=Ids(),
            shutdown_on_exit=False,
        )
        kind = SimpleSpanProcessor if at_once else BatchSpanProcessor
        self._provider.add_span_processor(kind(exporter))
        self._tracer = self._provider.get_tracer("floorbroker")
        self._clock = clock
        self._current: ContextVar[OtelSpan | None] = ContextVar("span", default=None)

    def span(self, name: str, *, traceparent: str = "", **attributes: str) -> OtelSpan:
        """A span inside the current one of this task, or inside that of a caller outside; it begins when it is entered.

        What goes on after the current one has ended, in a task that was begun inside it, is a trace of its own with a link to it:
        the session of a profile that a request added would else belong to that request for ever.
        """
        current = self._current.get()
        if traceparent:
            return OtelSpan(self, name, _remote(traceparent), attributes)
        if current is not None and current.is_over:
            return OtelSpan(self, name, None, attributes, follows=current.recorded)
        return OtelSpan(self, name, None if current is None else current.recorded, attributes)

    def close(self) -> None:
        """Export what is left.  Waits for the network, so call it beside the loop."""
        self._provider.shutdown()

    def begin(self, span: OtelSpan) -> tuple[Recorded, Token[OtelSpan | None], float]:
        """The record of a span, how to make the one before it current again, and the monotonic time."""
        from opentelemetry.context import Context
        from opentelemetry.trace import Link, set_span_in_context

        links = [] if span.follows is None else [Link(span.follows.get_span_context())]
        context = Context() if span.parent is None else set_span_in_context(span.parent, Context())
        began = int(self._clock.now().timestamp() * _NANO)
        recorded = self._tracer.start_span(
            span.name, context=context, attributes=span.attributes, links=links, start_time=began
        )
        span.began_ns = began
        return recorded, self._current.set(span), self._clock.monotonic()

    def end(self, span: OtelSpan, token: Token[OtelSpan | None], began_s: float) -> None:
        """Its end is told by monotonic time: a wall clock that is moved makes no span longer."""
        self._current.reset(token)
        span.is_over = True
        span.recorded.end(span.began_ns + int((self._clock.monotonic() - began_s) * _NANO))


class OtelSpan:
    """Implements `ports.Span`; used once, with `with`."""

    __slots__ = (
        "_began_s", "_token", "_tracer", "attributes", "began_ns", "follows", "is_over", "name", "parent", "recorded",
    )  # fmt: skip
    recorded: Recorded

    def __init__(
        self,
        tracer: OtelTracer,
        name: str,
        parent: Recorded | None,
        attributes: dict[str, str],
        *,
        follows: Recorded | None = None,
    ) -> None:
        self._tracer = tracer
        self.name = name
        self.parent = parent
        self.follows = follows
        self.is_over = False
        self.attributes = attributes
        self.began_ns = 0

    def __enter__(self) -> Self:
        self.recorded, self._token, self._began_s = self._tracer.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.failed(error.code if isinstance(error, FloorbrokerError) else type(error).__name__)
        self._tracer.end(self, self._token, self._began_s)

    def note(self, **attributes: str) -> None:
        """More words of ours about it."""
        for name, value in attributes.items():
            self.recorded.set_attribute(name, value)

    def failed(self, code: str) -> None:
        """It came to nothing, for this reason."""
        from opentelemetry.trace import Status, StatusCode

        self.recorded.set_status(Status(StatusCode.ERROR, code))

    @property
    def traceparent(self) -> str:
        """This span for whoever goes on with it (W3C Trace Context)."""
        context = self.recorded.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _remote(traceparent: str) -> Recorded | None:
    """The caller's span.  What is not well formed is nobody's, as the W3C has it."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    found = _PARENT.fullmatch(traceparent)
    if found is None:
        return None
    trace_id, span_id, flags = (int(text, 16) for text in found.groups())
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return NonRecordingSpan(context) if context.is_valid else None


def tracer_of(endpoint: str, *, clock: Clock, random: Random) -> OtelTracer | None:
    """A tracer that posts to an OTLP/HTTP receiver; None without one.  Raises what `assert_traceable` raises."""
    if not endpoint:
        return None
    assert_traceable(endpoint)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OtelTracer(OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_S), clock=clock, random=random)


def assert_traceable(endpoint: str) -> None:
    """Raises `ConfigInvalid` without the extra, for an open road, and for a secret in the address; none may be named."""
    if not endpoint:
        return
    place = urlsplit(endpoint)
    if place.scheme != "https" and not (place.scheme == "http" and is_loopback(place.hostname or "")):
        raise ConfigInvalid(
            "telemetry.endpoint: https, or http to this machine, such as http://127.0.0.1:4318/v1/traces"
        )
    if place.username is not None or place.query:
        raise ConfigInvalid("telemetry.endpoint: without a user and a query, which are no place for secrets")
    if any(find_spec(name) is None for name in _PARTS):
        raise ConfigInvalid(without_extra("telemetry.endpoint is set, and traces need", "otel"))
