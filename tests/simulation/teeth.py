"""A catalogue of deliberate bugs.  Each is planted through a port of the house, and the simulation must catch it.

`python -m tests.simulation.teeth` plants them one by one and ends with `planted N caught N`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from floorbroker.domain.errors import FloorbrokerError, Outcome, VenueError
from floorbroker.domain.facts import Sending, Source
from floorbroker.domain.orders import Approved, OrderRef, OrderState
from floorbroker.domain.ports import (
    Entry,
    FactEntry,
    Journal,
    KeyEntry,
    OrderEvents,
    Record,
    Reports,
    Subscription,
)
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import ExecId, ExecType, OrdStatus, ProfileName
from floorbroker.gateway.gateway import Gateway
from floorbroker.transport.types import OrderHttp, Request, Response
from tests.simulation.claims import Violation
from tests.simulation.house import PROFILE, Plant
from tests.simulation.plan import plan_of
from tests.simulation.run import run

SEEDS_MAX = 500

# -- bugs of the transport ------------------------------------------------------------------------------------------


class _OrderShell:
    """An order shell around the honest one."""

    def __init__(self, honest: OrderHttp) -> None:
        self.honest = honest

    async def close(self) -> None:
        await self.honest.close()


class Resends(_OrderShell):
    """Sends a submit again when the connection broke, as many libraries do."""

    async def send(self, request: Request) -> Response:
        try:
            return await self.honest.send(request)
        except VenueError as error:
            if request.method != "POST" or error.outcome is not Outcome.UNKNOWN:
                raise
            return await self.honest.send(request)


class ResendsAnew(_OrderShell):
    """Sends a submit again under a fresh client id, so that the venue takes it."""

    async def send(self, request: Request) -> Response:
        try:
            return await self.honest.send(request)
        except VenueError as error:
            if request.method != "POST" or error.outcome is not Outcome.UNKNOWN:
                raise
            body = json.loads(request.body) | {"client_order_id": f"again-{request.order}"}
            return await self.honest.send(replace(request, body=json.dumps(body).encode()))


class BelievesAnyRefusal(_OrderShell):
    """Takes every error page for the venue's own no."""

    async def send(self, request: Request) -> Response:
        reply = await self.honest.send(request)
        if reply.status >= 500:
            return Response(status=403, body=b'{"code":40310000,"message":"insufficient buying power"}')
        return reply


# -- bugs of the journal --------------------------------------------------------------------------------------------


class _Journal:
    """A journal around the honest one."""

    def __init__(self, honest: Journal) -> None:
        self.honest = honest

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        return await self.honest.commit(entries)

    def replay(self, after: int = 0) -> Iterator[Record]:
        return self.honest.replay(after)

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        return self.honest.read(after=after, limit=limit, kinds=kinds)

    def notes(self, topic: str, *, newest: bool = False) -> list[Record]:
        return self.honest.notes(topic, newest=newest)

    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None:
        return self.honest.find_key(principal=principal, profile=profile, key=key)

    @property
    def last_seq(self) -> int:
        return self.honest.last_seq

    @property
    def is_writable(self) -> bool:
        return self.honest.is_writable

    def recover(self) -> bool:
        return self.honest.recover()

    async def close(self) -> None:
        await self.honest.close()


class WritesBehind(_Journal):
    """Answers before the entries are durable; the sequence numbers it tells are a promise."""

    def __init__(self, honest: Journal) -> None:
        super().__init__(honest)
        self._behind: set[asyncio.Task[None]] = set()
        self._seq = honest.last_seq
        self._ahead = asyncio.Lock()

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        at = next((e.fact.at for e in entries if isinstance(e, FactEntry)), None)
        if at is None:
            return ()
        self._seq += len(entries)
        task = asyncio.get_running_loop().create_task(self._later(entries))
        self._behind.add(task)
        first = self._seq - len(entries) + 1
        return tuple(Record(seq=first + place, epoch=1, at=at, entry=entry) for place, entry in enumerate(entries))

    async def _later(self, entries: Sequence[Entry]) -> None:
        async with self._ahead:
            await asyncio.sleep(1.0)
            await self.honest.commit(entries)


class ForgetsKeys(_Journal):
    """Never finds an idempotency key."""

    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None:
        return None

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        return await self.honest.commit([entry for entry in entries if not isinstance(entry, KeyEntry)])


class ForgetsThePast(_Journal):
    """Starts with an empty book: what was there when it was opened is not read."""

    def __init__(self, honest: Journal) -> None:
        super().__init__(honest)
        self._opened_at = honest.last_seq

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        return self.honest.read(after=max(after, self._opened_at), limit=limit, kinds=kinds)


class ForgetsSending(_Journal):
    """Keeps SENDING in memory alone, so that a restart takes the order for one that was never sent."""

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        kept = [e for e in entries if not (isinstance(e, FactEntry) and isinstance(e.fact, Sending))]
        return await self.honest.commit(kept)


# -- bugs of the order service and the adapter -----------------------------------------------------------------------


class _Broker:
    """A broker around the honest one."""

    def __init__(self, honest: Any) -> None:
        self.honest = honest

    def __getattr__(self, name: str) -> Any:
        return getattr(self.honest, name)


class CallsSilenceFailure(_Broker):
    """Takes a lost reply for a request that never left."""

    async def submit_order(self, approved: Approved) -> Reports:
        try:
            reports: Reports = await self.honest.submit_order(approved)
        except VenueError as error:
            error.outcome = Outcome.NOT_SENT
            raise
        return reports


class CountsTwice(_Broker):
    """Lists fills under other execution ids than the stream tells."""

    async def get_fills(self, since: Any) -> Fetched[ExecutionReport]:
        listed = await self.honest.get_fills(since)
        renamed = tuple(replace(r, exec_id=ExecId(f"{r.exec_id}-listed")) for r in listed.items)
        return Fetched(items=renamed, asked_at=listed.asked_at)


class BelievesCancels(_Broker):
    """Takes every cancel for done, whatever became of it."""

    async def cancel_order(self, ref: OrderRef) -> Reports:
        try:
            reports: Reports = await self.honest.cancel_order(ref)
        except FloorbrokerError:
            done = ExecutionReport(
                exec_type=ExecType.CANCELED,
                source=Source.REPLY,
                at=self.honest.get_connection_status().since,
                ord_status=OrdStatus.CANCELED,
                order_id=ref.order_id,
                cl_ord_id=ref.cl_ord_id,
            )
            return (done,)
        return reports


class ListsNoFills(_Broker):
    """Trusts the stream with every fill."""

    async def get_fills(self, since: Any) -> Fetched[ExecutionReport]:
        listed = await self.honest.get_fills(since)
        return Fetched(items=(), asked_at=listed.asked_at)


class ForgivesBusts(_Broker):
    """Does not hear of busts."""

    async def get_fills(self, since: Any) -> Fetched[ExecutionReport]:
        listed = await self.honest.get_fills(since)
        kept = tuple(r for r in listed.items if r.exec_type is not ExecType.TRADE_CANCEL)
        return Fetched(items=kept, asked_at=listed.asked_at)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        subscription: Subscription = await self.honest.subscribe_order_events(_Deaf(handler))
        return subscription


class _Deaf:
    def __init__(self, honest: OrderEvents) -> None:
        self.on_stream = honest.on_stream
        self._honest = honest

    def on_report(self, report: ExecutionReport) -> None:
        if report.exec_type is not ExecType.TRADE_CANCEL:
            self._honest.on_report(report)


def _around_broker(kind: type[_Broker]) -> Callable[[Gateway], None]:
    def plant(desk: Gateway) -> None:
        ctx = desk.sessions[PROFILE].ctx
        ctx.broker = kind(ctx.broker)  # pyright: ignore[reportAttributeAccessIssue]

    return plant


def _recovery_resends(desk: Gateway) -> None:
    """A start that sends again what the last life left in SENDING."""
    ctx = desk.sessions[PROFILE].ctx
    for order in ctx.book.open_orders():
        if order.state is OrderState.SENDING:
            approved = Approved(
                intent_id=order.intent_id,
                cl_ord_id=order.cl_ord_id,
                profile=order.profile,
                environment=ctx.profile.environment,
                order=order.terms,
                decided_at=ctx.clock.monotonic(),
            )
            asyncio.get_running_loop().create_task(_resend(desk, approved))


async def _resend(desk: Gateway, approved: Approved) -> None:
    ctx = desk.sessions[PROFILE].ctx
    for _ in range(1000):
        if ctx.switches.not_ready():
            await asyncio.sleep(0.05)
    try:
        await ctx.broker.submit_order(replace(approved, decided_at=ctx.clock.monotonic()))
    except FloorbrokerError as error:
        ctx.log.warning("planted.resend", code=error.code)


# -- the catalogue ---------------------------------------------------------------------------------------------------

CATALOGUE: dict[str, Plant] = {
    "the transport resends after a cut": Plant(order_http=Resends),
    "the transport resends under a fresh id": Plant(order_http=ResendsAnew),
    "silence is taken for a request that never left": Plant(desk=_around_broker(CallsSilenceFailure)),
    "an error page is taken for a refusal": Plant(order_http=BelievesAnyRefusal),
    "the journal answers before it is durable": Plant(journal=WritesBehind),
    "idempotency keys are not kept": Plant(journal=ForgetsKeys),
    "SENDING is not journaled": Plant(journal=ForgetsSending),
    "recovery resends what was being sent": Plant(desk=_recovery_resends),
    "an execution from two sources counts twice": Plant(desk=_around_broker(CountsTwice)),
    "a refused cancel is taken for a cancelled order": Plant(desk=_around_broker(BelievesCancels)),
    "fills are heard and never listed": Plant(desk=_around_broker(ListsNoFills)),
    "a bust is not heard": Plant(desk=_around_broker(ForgivesBusts)),
    "a restart forgets the past": Plant(journal=ForgetsThePast),
}


@dataclass(frozen=True, slots=True)
class Catch:
    """The first seed that shows a bug, and how."""

    seed: int
    violation: Violation


def hunt(plant: Plant, *, first: int = 1, seeds: int = SEEDS_MAX) -> Catch | None:
    """Play seeds until one catches the bug: a violation with it, and none on the same seed without it."""
    for seed in range(first, first + seeds):
        report = run(plan_of(seed), plant=plant)
        if report.violations and not run(plan_of(seed)).violations:
            return Catch(seed, report.violations[0])
    return None


def main() -> int:
    """Exit code 1 when a bug lives."""
    gc.freeze()
    caught = 0
    for name, plant in CATALOGUE.items():
        catch = hunt(plant)
        gc.collect()
        caught += catch is not None
        told = f"seed {catch.seed}: {catch.violation}" if catch else f"NOT CAUGHT in {SEEDS_MAX} seeds"
        sys.stdout.write(f"{name}: {told}\n")
    sys.stdout.write(f"planted {len(CATALOGUE)} caught {caught}\n")
    return 0 if caught == len(CATALOGUE) else 1


if __name__ == "__main__":
    sys.exit(main())
