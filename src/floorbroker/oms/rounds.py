"""One reconciliation round (RELIABILITY 4): fetch everything or change nothing, fold, ask by name, compare, explain."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import FloorbrokerError, OrderNotFound
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import NoteEntry
from floorbroker.domain.records import ExecutionReport, Fetched, Position
from floorbroker.domain.values import text_of
from floorbroker.oms.account import AccountContext
from floorbroker.oms.book import ADJUSTMENT
from floorbroker.oms.doubt import Resolver
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.reconcile import PositionGap, interrupted, look_back, position_gaps, unlisted

ROUND = "recon.round"
SECOND_READ_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round found."""

    at: datetime
    converged: bool
    counts: dict[str, int]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    open: Fetched[ExecutionReport]
    history: Fetched[ExecutionReport]
    fills: tuple[ExecutionReport, ...]
    positions: Fetched[Position]


@dataclass(slots=True)
class Reconciler:
    """Brings one account's book and its venue together."""

    ctx: AccountContext
    inbound: Inbound
    resolver: Resolver
    watermark: datetime | None = None
    down_since: datetime | None = None
    _listed_at: dict[str, int] = field(default_factory=dict[str, int])

    async def settle_interrupted(self) -> None:
        """What a restart cut off: PREPARED was never sent, SENDING is in doubt (RELIABILITY 2.7)."""
        ctx, now = self.ctx, self.ctx.clock.now()
        prepared, sending = interrupted(ctx.book.open_orders())
        for intent_id in prepared:
            fact = f.NotSent(source=f.Source.OWN, at=now, reason="restarted before it was sent")
            await self.inbound.write_facts(intent_id, [fact])
        for intent_id in sending:
            doubt = f.InDoubt(source=f.Source.OWN, at=now, reason="restarted while it was sent")
            await self.inbound.write_facts(intent_id, [doubt])

    async def round(self) -> Round:
        """One full round.  Raises when any part of the fetch fails; then nothing was changed (I8)."""
        ctx, started = self.ctx, self.ctx.clock.now()
        before = {order.intent_id: order.version for order in ctx.book}
        snapshot = await self._fetch(started)
        await self.inbound.take([*snapshot.history.items, *snapshot.open.items, *snapshot.fills])
        await self.ask_unlisted(snapshot.open)
        for order in ctx.book.open_orders():
            if order.in_doubt:
                await self.resolver.ask_everywhere(
                    order, since=look_back(watermark=None, now=started, down_since=None, oldest_open=None)
                )
        await self.complete_executions()
        gaps = await self._explain(snapshot.positions)
        await ctx.refresh_account()
        changed = [order for order in ctx.book if before.get(order.intent_id) != order.version]
        result = Round(
            at=started,
            converged=True,
            counts={
                "open_orders": len(snapshot.open.items),
                "orders": len(snapshot.history.items),
                "executions": len(snapshot.fills),
                "positions": len(snapshot.positions.items),
                "changed": len(changed),
                "adjusted": len(gaps),
            },
            differences=tuple(str(gap) for gap in gaps),
        )
        await self._note(result)
        self.watermark, self.down_since = started, None
        return result

    async def _fetch(self, now: datetime) -> _Snapshot:
        broker = self.ctx.broker
        oldest = min((order.created_at for order in self.ctx.book.open_orders()), default=None)
        since = look_back(watermark=self.watermark, now=now, down_since=self.down_since, oldest_open=oldest)
        open_orders = await broker.get_open_orders()
        history = await broker.get_order_history(since)
        fills = (await broker.get_fills(since)).items if Can.HISTORY_FILLS in broker.info.can else ()
        return _Snapshot(open=open_orders, history=history, fills=fills, positions=await broker.get_positions())

    async def ask_unlisted(self, listed: Fetched[ExecutionReport]) -> None:
        """Absence is not evidence (I9): ask by name for each order the list lacks."""
        for order in unlisted(self._ours(listed.asked_at), listed.items):
            try:
                await self.inbound.take(await self.ctx.broker.get_order_status(order.ref))
            except OrderNotFound as missing:
                self.ctx.log.warning("order.unknown_to_venue", intent=order.intent_id, detail=missing.detail)

    def _ours(self, asked_at: datetime) -> list[Order]:
        """Orders we think the venue works on, and thought so before we asked."""
        return [o for o in self.ctx.book.open_orders() if not o.in_doubt and o.order_id and o.created_at < asked_at]

    async def complete_executions(self) -> None:
        """Fetch the fills that reported totals imply, once for each new total."""
        lacking = [order for order in self.ctx.book if order.needs_executions]
        lacking = [order for order in lacking if self._listed_at.get(order.intent_id) != order.version]
        if not lacking or Can.HISTORY_FILLS not in self.ctx.broker.info.can:
            return
        since = look_back(
            watermark=None, now=self.ctx.clock.now(), down_since=None, oldest_open=min(o.created_at for o in lacking)
        )
        await self.inbound.take((await self.ctx.broker.get_fills(since)).items)
        for order in lacking:
            current = self.ctx.book.get(order.intent_id)
            if current is not None:
                self._listed_at[order.intent_id] = current.version

    async def _explain(self, positions: Fetched[Position]) -> tuple[PositionGap, ...]:
        """Differences that a second read confirms become visible adjustments, one note each."""
        gaps = position_gaps(positions.items, self.ctx.book.holdings.all())
        if not gaps:
            return ()
        await self.ctx.clock.sleep(SECOND_READ_S)
        await self._refetch_fills()
        second = position_gaps((await self.ctx.broker.get_positions()).items, self.ctx.book.holdings.all())
        confirmed = tuple(gap for gap in second if gap in gaps)
        cause = "opening position" if self.watermark is None else "unexplained difference"
        notes = [
            NoteEntry(
                profile=self.ctx.profile.name,
                topic=ADJUSTMENT,
                data={"symbol": gap.symbol, "qty": text_of(gap.missing), "venue": text_of(gap.venue), "cause": cause},
            )
            for gap in confirmed
        ]
        if notes:
            await self.ctx.writer.write(notes)
        return confirmed

    async def _refetch_fills(self) -> None:
        if Can.HISTORY_FILLS in self.ctx.broker.info.can:
            since = look_back(watermark=None, now=self.ctx.clock.now(), down_since=None, oldest_open=None)
            await self.inbound.take((await self.ctx.broker.get_fills(since)).items)

    async def _note(self, result: Round) -> None:
        data = {name: str(count) for name, count in result.counts.items()}
        data |= {"started": result.at.isoformat(), "differences": "; ".join(result.differences)}
        await self.ctx.writer.write([NoteEntry(profile=self.ctx.profile.name, topic=ROUND, data=data)])

    async def try_round(self) -> Round | FloorbrokerError:
        """A round, or why it failed."""
        try:
            return await self.round()
        except FloorbrokerError as error:
            self.ctx.log.warning("reconcile.failed", code=error.code, detail=error.detail)
            return error
