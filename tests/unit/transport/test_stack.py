"""The two stacks as a whole, over a real socket: their order, and that the command stack never sends twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from floorbroker.app.tracing import OtelTracer
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import CircuitBreakerError, KillSwitchOn, Outcome, Timeout, VenueError
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers
from floorbroker.transport.bucket import Budget
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.layers.ratelimit import standard_limits
from floorbroker.transport.layers.retry import Retry
from floorbroker.transport.limiter import Limiter, Limits
from floorbroker.transport.order_http import OrderHttpClient
from floorbroker.transport.types import Lane, Request, Response
from tests.support.hasty import HastyClock
from tests.support.hostile import Hostile, Peer, hostile
from tests.support.steps import Footprints
from tests.unit.transport.fakes import START, command

pytestmark = pytest.mark.asyncio


class Plain:
    """A redactor that knows no secret."""

    def learn(self, secret: str) -> None:
        raise AssertionError(secret)

    def learn_token(self, token: str) -> None:
        raise AssertionError(token)

    def clean(self, text: str) -> str:
        return text


def fittings(tap: list[Exchange]) -> stack.Fittings:
    clock = SystemClock()
    limits = Limits(budgets=(Budget(name="trading", capacity=200, per_s=60),), routes={"*": ("trading",)})
    return stack.Fittings(
        clock=clock,
        random=Random(1),
        limiter=Limiter(limits, clock=clock),
        breakers=Breakers(clock=clock),
        read_limits=standard_limits(clock),
        sign=lambda request: replace(request, headers={"X-Signed": request.path}),
        tap=tap.append,
        redactor=Plain(),
    )


def allow(request: Request) -> None:
    assert "X-Signed" not in request.headers  # the gate looks before the signature


async def test_a_command_passes_all_layers_and_arrives_signed_and_audited() -> None:
    tap: list[Exchange] = []
    async with hostile() as server, OrderHttpClient() as shell:
        commands = stack.commands(shell, check=allow, fit=fittings(tap))
        reply = await commands.send(command(origin=server.origin, body=b"{}"))
        assert isinstance(reply, Response)
        assert server.requests[0].headers["x-signed"] == "/v2/orders"
        assert [exchange.status for exchange in tap] == [200]


async def test_a_refused_command_reaches_neither_wire_nor_audit() -> None:
    def refuse(request: Request) -> None:
        raise KillSwitchOn("on")

    tap: list[Exchange] = []
    async with hostile() as server, OrderHttpClient() as shell:
        with pytest.raises(KillSwitchOn):
            await stack.commands(shell, check=refuse, fit=fittings(tap)).send(command(origin=server.origin))
        assert (server.connections, tap) == (0, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("lane", [Lane.NEW, Lane.CANCEL])
async def test_i4_no_layer_sends_a_command_again_when_its_reused_connection_is_cut(method: str, lane: Lane) -> None:
    async def every_second_cut(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await peer.reply()
        await server.next_request(peer)
        peer.cut()

    async with hostile(every_second_cut) as server, OrderHttpClient() as shell:
        commands = stack.commands(shell, check=allow, fit=fittings([]))
        request = command(origin=server.origin, method=method, lane=lane)
        outcomes: list[object] = []
        for number in range(6):
            try:
                outcomes.append((await commands.send(replace(request, path=f"/v2/orders/{number}"))).status)
            except VenueError as error:
                outcomes.append(error.outcome)
        assert outcomes == [200, Outcome.UNKNOWN] * 3
        assert [seen.target for seen in server.requests] == [f"/v2/orders/{number}" for number in range(6)]


async def test_a_timeout_of_the_stack_is_unknown_and_opens_the_breaker_in_the_end() -> None:
    async def silence(server: Hostile, peer: Peer) -> None:
        await server.next_request(peer)
        await server.until_client_closes(peer)

    async with hostile(silence) as server, OrderHttpClient() as shell:
        commands = stack.commands(shell, check=allow, fit=fittings([]))
        request = command(origin=server.origin, timeout_s=0.05)
        errors = await asyncio.gather(*(commands.send(request) for _ in range(5)), return_exceptions=True)
        assert [getattr(error, "outcome", None) for error in errors] == [Outcome.UNKNOWN] * 5
        with pytest.raises(CircuitBreakerError):
            await commands.send(request)
        assert len(server.requests) == 5


class Mute:
    """A shell that never answers, without a time-out of its own."""

    async def send(self, request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError(request)


@pytest.mark.parametrize("make", [stack.reads, stack.commands])
async def test_a_venue_that_is_silent_is_recorded_as_such_and_not_as_a_wait_that_we_ended(make: Any) -> None:
    tap: list[Exchange] = []
    door = make(Mute(), check=allow, fit=replace(fittings(tap), policy=stack.Policy(read_retries=0)))
    with pytest.raises(Timeout):
        await door.send(command(timeout_s=0.01))
    assert [(exchange.error, exchange.outcome) for exchange in tap] == [("timeout", Outcome.UNKNOWN)]


async def test_there_is_no_retry_anywhere_in_a_command_stack() -> None:
    layer: object = stack.commands(OrderHttpClient(), check=allow, fit=fittings([]))
    names: list[str] = []
    while layer is not None:
        names.append(type(layer).__name__)
        assert not isinstance(layer, Retry)
        layer = getattr(layer, "_inner", None)
    assert names == ["Breaker", "RateLimit", "SendGate", "Sign", "Hush", "Audit", "Timeout", "OrderHttpClient"]


async def test_a_traced_stack_tells_of_what_crosses_the_wire_and_of_waits_for_the_budget() -> None:
    exporter = InMemorySpanExporter()
    clock = HastyClock(START)
    tracer = OtelTracer(exporter, clock=clock, random=Random(1), at_once=True)
    limits = Limits(budgets=(Budget(name="trading", capacity=1, per_s=0.2),), routes={"*": ("trading",)})
    async with hostile() as server, OrderHttpClient() as shell:
        fit = replace(fittings([]), tracer=tracer, limiter=Limiter(limits, clock=clock))
        commands = stack.commands(shell, check=allow, fit=fit)
        for _ in range(2):
            await commands.send(command(origin=server.origin, endpoint="orders.submit"))
    told = [(span.name, dict(span.attributes or {})) for span in exporter.get_finished_spans()]
    asked = {"endpoint": "orders.submit", "lane": "new"}
    sent = ("venue.send", {**asked, "status": "200"})
    assert told == [sent, ("venue.wait", asked), sent]


async def test_a_command_reaches_the_steps_on_its_way_out_in_order() -> None:
    steps = Footprints()
    async with hostile() as server, OrderHttpClient(steps=steps) as shell:
        commands = stack.commands(shell, check=allow, fit=replace(fittings([]), steps=steps))
        await commands.send(command(origin=server.origin, endpoint="orders.submit"))
        assert steps.reached == [f"submit.S{number}" for number in range(5, 10)]
        steps.reached.clear()
        await commands.send(command(origin=server.origin, endpoint="orders.cancel"))
        assert steps.reached == [f"cancel.{w}" for w in ("gate", "signed", "connected", "written", "replied")]


async def test_a_reply_to_a_request_whose_sender_failed_is_not_taken_for_the_next_ones() -> None:
    steps = Footprints(fail_at="submit.S8")
    async with hostile() as server, OrderHttpClient(steps=steps) as shell:
        with pytest.raises(RuntimeError):
            await shell.send(command(origin=server.origin, endpoint="orders.submit"))
        await shell.send(command(origin=server.origin, endpoint="orders.submit"))
        assert server.connections == 2
