"""One reconciliation round (RELIABILITY 4): fetch everything or change nothing, fold, ask by name, compare, explain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import FloorbrokerError, OrderNotFound
from floorbroker.domain.options import OptionContract, OptionEvent
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import NoteEntry, OptionEvents, Span
from floorbroker.domain.records import ExecutionReport, Fetched, Position
from floorbroker.domain.values import IntentId, Word, text_of, total_of
from floorbroker.oms.account import GATEWAY, AccountContext
from floorbroker.oms.adjustments import Adjustment, Cause
from floorbroker.oms.doubt import Resolver
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.questions import Asked, Question
from floorbroker.oms.reconcile import (
    FILLS_PATIENCE_S,
    MIN_OVERLAP,
    PositionGap,
    apart,
    interrupted,
    is_not_understood,
    look_back,
    position_gaps,
    unlisted,
    unsettled_symbols,
)
from floorbroker.oms.settling import adjustments_for, gone, settled
from floorbroker.oms.stood import Stood
from floorbroker.oms.synthetic import GRACE_S, stand_ins
from floorbroker.oms.unforeseen import ours

ROUND = "recon.round"
BETWEEN = "; "  # differences in one line of text
SECOND_READ_S = 1.0
READS_MAX = 5
EXPIRY_EARLY = timedelta(days=7)  # an expiry on a holiday is settled before, and never by more
FILLS_FIRST_S, FILLS_LAST_S = 1.0, 30.0
FILLS_SELDOM_S, FILLS_SELDOM = (
    300.0,
    20,
)  # after so many times, fills that a venue does not list are asked for this seldom


class Kind(Word):
    """How much a round compared."""

    FULL = "full"
    OPEN_ORDERS = "open_orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round found.  It converged when every difference was confirmed by a second read and explained."""

    at: datetime
    converged: bool
    counts: dict[str, int]
    differences: tuple[str, ...]
    kind: Kind = Kind.FULL


def restored_watermark(data: Mapping[str, str]) -> datetime | None:
    """Up to when everything was compared, by the note of a round; one that did not converge names an earlier one, or none."""
    text = data.get("watermark", data["started"])
    return datetime.fromisoformat(text) if text else None


def agreed(data: Mapping[str, str]) -> bool:
    """Whether the round of a note converged."""
    return data.get("watermark", data["started"]) == data["started"]


def _untold(found: Round | Adjustment) -> None:
    """Before anybody listens, nobody does."""
    del found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    open: Fetched[ExecutionReport]
    history: Fetched[ExecutionReport]
    fills: tuple[ExecutionReport, ...]
    positions: Fetched[Position]


@dataclass(slots=True)
class _Asked:
    """How often the fills of one order were asked for at one state of its facts, and when to ask next (monotonic)."""

    version: int
    times: int
    next_s: float


def _is_outdated(order: Order) -> bool:
    """Whether its executions make up what is filled, and the venue's last word of it another number: some of it was taken back
    since.  No list of open orders tells what became of an order that is done.
    """
    listed = total_of(execution.last_qty for execution in order.executions)
    return _is_unsure(order) and listed == order.cum_qty


def _is_unsure(order: Order) -> bool:
    """Whether more may be found out about its total: of one that has ended without a fill all is known."""
    return order.needs_executions and (order.state is OrderState.FILLED or bool(order.cum_qty))


@dataclass(slots=True)
class Reconciler:
    """Brings one account's book and its venue together.  `tell` hears of each round, and of each adjustment once it is durable.

    `watermark` is the start of the last round that converged: what the venue did before it is folded and durable.
    """

    ctx: AccountContext
    inbound: Inbound
    resolver: Resolver
    tell: Callable[[Round | Adjustment], None] = _untold
    watermark: datetime | None = None
    down_since: datetime | None = None
    _asked: dict[IntentId, _Asked] = field(default_factory=dict[IntentId, _Asked])
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _totals: Stood = field(init=False)
    _lacking: Stood = field(init=False)

    def __post_init__(self) -> None:
        self._totals = Stood(self.ctx.clock.monotonic)
        self._lacking = Stood(self.ctx.clock.monotonic)

    async def settle_interrupted(self) -> None:
        """What a restart cut off: PREPARED was never sent, SENDING is in doubt (RELIABILITY 2.7)."""
        ctx, now = self.ctx, self.ctx.clock.now()
        prepared, sending = interrupted(ctx.book.open_orders())
        ctx.steps.reach("recon.interrupted")
        for intent_id in prepared:
            fact = f.NotSent(source=f.Source.OWN, at=now, reason="restarted before it was sent")
            await self.inbound.write_facts(intent_id, [fact])
        for intent_id in sending:
            doubt = f.InDoubt(source=f.Source.OWN, at=now, reason="restarted while it was sent")
            await self.inbound.write_facts(intent_id, [doubt])
        ctx.steps.reach("recon.settled")

    async def round(self) -> Round:
        """One full round, one at a time.  Raises when any part of the fetch fails; then nothing was changed (I8)."""
        async with self._one_at_a_time:
            with self.ctx.book.noting() as changed:
                found = await self._round(changed)
        self.tell(found)
        return found

    async def _round(self, changed: AbstractSet[IntentId]) -> Round:
        ctx, started = self.ctx, self.ctx.clock.now()
        ctx.steps.reach("recon.begun")
        await ctx.recognise()  # before anything that this account says is believed
        since = self._since(started)
        snapshot = await self._fetch(since)
        await self.inbound.take([*snapshot.history.items, *snapshot.open.items, *snapshot.fills])
        ctx.steps.reach("recon.folded")
        await self.ask_unlisted(snapshot.open)
        ctx.steps.reach("recon.asked")
        for order in ctx.book.open_orders():
            if order.in_doubt:
                await self.resolver.ask_everywhere(
                    order, since=look_back(watermark=None, now=started, down_since=None, oldest_open=None)
                )
        ctx.steps.reach("recon.doubts")
        await self.complete_executions()
        ctx.steps.reach("recon.completed")
        adjusted, disputed = await self._explain(snapshot.positions, since=since)
        ctx.steps.reach("recon.explained")
        forgotten = self._forgotten()
        await ctx.learn_scales()
        result = Round(
            at=started,
            converged=not disputed,
            counts={
                "open_orders": len(snapshot.open.items),
                "orders": len(snapshot.history.items),
                "executions": len(snapshot.fills),
                "positions": len(snapshot.positions.items),
                "changed": len(changed),
                "adjusted": len(adjusted),
                "disputed": len(disputed),
                "forgotten": len(forgotten),
            },
            differences=(
                *(str(gap) for gap in (*adjusted, *disputed)),
                *(f"{o.terms.symbol}: the venue does not know order {o.intent_id} any more" for o in forgotten),
            ),
        )
        await self._note(result)
        ctx.steps.reach("recon.noted")
        if result.converged:
            self.watermark, self.down_since = started, None
        return result

    async def sweep(self) -> Round:
        """The open orders alone, and what follows from them; also while the stream looks healthy.  Raises what reading raises."""
        ctx, started = self.ctx, self.ctx.clock.now()
        with self._span("reconcile.sweep"), ctx.book.noting() as changed:
            listed = await ctx.broker.get_open_orders()
            await self.inbound.take(listed.items)
            await self.ask_unlisted(listed)
            await self.complete_executions()
        news = [order for intent_id in sorted(changed) if (order := ctx.book.get(intent_id)) is not None]
        found = Round(
            at=started,
            converged=True,
            counts={
                "open_orders": len(listed.items),
                "changed": len(changed),
                "untold": sum(
                    order.order_id is not None for order in news
                ),  # what the venue never had it cannot tell of
            },
            differences=tuple(f"{o.terms.symbol}: order {o.intent_id} is {o.ord_status.value}" for o in news),
            kind=Kind.OPEN_ORDERS,
        )
        ctx.meter.count("sweeps", result="news" if changed else "nothing")
        self.tell(found)
        return found

    def _since(self, now: datetime) -> datetime:
        """From when on history is listed in a round."""
        book = self.ctx.book
        oldest = min((order.created_at for order in book.open_orders()), default=None)
        is_new = self.watermark is None and len(book) == 0
        return look_back(
            watermark=self.watermark, now=now, down_since=self.down_since, oldest_open=oldest, is_new=is_new
        )

    async def _fetch(self, since: datetime) -> _Snapshot:
        broker, steps = self.ctx.broker, self.ctx.steps
        open_orders = await broker.get_open_orders()
        steps.reach("recon.open")
        history = await broker.get_order_history(since)
        steps.reach("recon.history")
        fills = (await broker.get_fills(since)).items if Can.HISTORY_FILLS in broker.info.can else ()
        steps.reach("recon.fills")
        positions = await broker.get_positions()
        steps.reach("recon.fetched")
        return _Snapshot(open=open_orders, history=history, fills=fills, positions=positions)

    async def ask_unlisted(self, listed: Fetched[ExecutionReport]) -> None:
        """Absence is not evidence (I9): ask by name for each order the list lacks."""
        for order in unlisted(self._ours(listed.asked_at), listed.items):
            await self._ask(order)

    async def _ask(self, order: Order) -> None:
        """By name, and that it was asked is evidence: an order that a venue does not know any more is a matter for people."""
        questions, at = self.resolver.questions, self.ctx.clock.now()
        try:
            await self.inbound.take(await self.ctx.broker.get_order_status(order.ref))
            questions.note(order.intent_id, Question(at=at, source=Asked.BY_ID, complete=True, found=True))
        except OrderNotFound as missing:
            questions.note(order.intent_id, Question(at=at, source=Asked.BY_ID, complete=True))
            self.ctx.log.warning("order.unknown_to_venue", intent=order.intent_id, detail=missing.detail)

    def _forgotten(self) -> list[Order]:
        """Open orders that their venue does not know any more."""
        return [order for order in self.ctx.book.open_orders() if self.resolver.is_forgotten(order)]

    def _ours(self, asked_at: datetime) -> list[Order]:
        """Orders we think the venue works on, and thought so before we asked."""
        return [o for o in self.ctx.book.open_orders() if not o.in_doubt and o.order_id and o.created_at < asked_at]

    async def complete_executions(self) -> None:
        """Fetch the fills that reported totals imply: at once for each new total, then ever more rarely.

        A venue that cannot list them gets stand-ins after the grace.
        """
        lacking = self.ctx.book.lacking_executions()
        self._lacking.keep(order.intent_id for order in lacking)
        for order in lacking:
            self._lacking.for_s(order.intent_id, order.version)
        if Can.HISTORY_FILLS not in self.ctx.broker.info.can:
            await self._stand_in(lacking)
            return
        self._asked = {o.intent_id: self._asked[o.intent_id] for o in lacking if o.intent_id in self._asked}
        lacking = [order for order in lacking if self._is_due(order)]
        if not lacking:
            return
        since = min(self._filled_since(order) for order in lacking)
        await self.inbound.take((await self.ctx.broker.get_fills(since)).items)
        for intent_id in [order.intent_id for order in lacking if not order.is_open]:
            order = self.ctx.book.get(intent_id)
            if order is not None and (_is_outdated(order) or self._stays_bare(order)):
                await self._ask(order)

    def _stays_bare(self, order: Order) -> bool:
        """Whether its total has stood for long without executions that make it up: what they were of may have been taken back
        before anybody heard of it.  After many times the venue has no more to tell.
        """
        stood_s, asked = self._lacking.for_s(order.intent_id, order.version), self._asked.get(order.intent_id)
        is_early = asked is not None and asked.times < FILLS_SELDOM
        return _is_unsure(order) and is_early and stood_s >= FILLS_PATIENCE_S

    def _filled_since(self, order: Order) -> datetime:
        """From when on an order may have filled: where we made it, and did so by a clock that stood right, since then.

        What is still missing is looked for in the whole last day; so it is at once for an order that others made, which may be
        older than our word of it.
        """
        now, is_ours = self.ctx.clock.now(), not order.external and order.parent_id is None
        if is_ours and self._asked[order.intent_id].times == 0:
            return min(order.created_at, now) - MIN_OVERLAP
        return look_back(watermark=None, now=now, down_since=None, oldest_open=order.created_at)

    def _is_due(self, order: Order) -> bool:
        """Whether to ask for an order's fills now; counts the asking."""
        now, asked = self.ctx.clock.monotonic(), self._asked.get(order.intent_id)
        if asked is not None and asked.version == order.version and now < asked.next_s:
            return False
        times = asked.times + 1 if asked is not None and asked.version == order.version else 0
        longest_s = FILLS_LAST_S if times < FILLS_SELDOM else FILLS_SELDOM_S
        delay_s = min(FILLS_FIRST_S * 2.0 ** min(times, 10), longest_s)
        self._asked[order.intent_id] = _Asked(order.version, times, now + delay_s)
        return True

    async def _stand_in(self, lacking: list[Order]) -> None:
        ctx = self.ctx
        self._totals.keep(order_id for order in lacking for order_id in order.order_ids)
        for order in lacking:
            held = ctx.reference(order.terms.symbol)
            mark = held.against(order.terms.side) if held is not None else None
            facts = stand_ins(
                order,
                ctx.book.evidence(order.intent_id),
                now=ctx.clock.now(),
                is_ripe=lambda order_id, total: self._totals.for_s(order_id, total) >= GRACE_S,
                mark=mark,
            )
            if facts:
                ctx.log.warning("order.synthetic_fills", intent=order.intent_id, fills=len(facts))
                await self.inbound.write_facts(order.intent_id, facts)

    async def _explain(
        self, positions: Fetched[Position], *, since: datetime
    ) -> tuple[tuple[PositionGap, ...], tuple[PositionGap, ...]]:
        """Differences that a second read confirms become visible adjustments, one note each; and those in dispute.

        The second read lists as far back as the round did.  What stands then is looked for once more in the whole last day,
        unless this account's first round finds what was held before.
        """
        gaps = self._gaps(positions)
        for read in range(READS_MAX):
            if not gaps:
                return (), ()
            before = gaps
            await self.ctx.clock.sleep(max(SECOND_READ_S, self.ctx.visibility_lag_s))
            day = look_back(watermark=None, now=self.ctx.clock.now(), down_since=None, oldest_open=None)
            await self._refetch(since if read == 0 else min(since, day))
            moves = self.ctx.book.holdings.moves()
            gaps = self._gaps(await self.ctx.broker.get_positions())
            stands = set(gaps) <= set(before) and not self._have_moved(gaps, since=moves)
            if stands and (read > 0 or since <= day or self.watermark is None):
                break
        else:
            return (), gaps
        book = self.ctx.book
        waiting = unsettled_symbols([*book.open_orders(), *book.lacking_executions()], waits=self._waits)
        waiting |= self.inbound.stray_symbols(within_s=FILLS_PATIENCE_S)
        confirmed, disputed = apart(gaps, waiting, whole_coins=self.ctx.broker.info.whole_coins)
        await self._adjust(confirmed)
        return confirmed, disputed

    def _waits(self, order: Order) -> bool:
        """Whether fills of this order are still to be told, or what the venue last said of it was not understood.

        Fills that are not told for a while (older than the venue's list goes back) explain nothing any more.
        """
        if order.is_open and is_not_understood(self.ctx.book.evidence(order.intent_id)):
            return True
        return order.needs_executions and self._lacking.for_s(order.intent_id, order.version) < FILLS_PATIENCE_S

    def _gaps(self, positions: Fetched[Position]) -> tuple[PositionGap, ...]:
        self.ctx.on_positions(positions.items)
        ours, whole_coins = self.ctx.book.holdings.all(), self.ctx.broker.info.whole_coins
        return position_gaps(positions.items, ours, whole_coins=whole_coins)

    def _have_moved(self, gaps: tuple[PositionGap, ...], *, since: dict[str, int]) -> bool:
        """Whether fills came in while the venue was asked: its answer may be older than they are (I8)."""
        moved = (symbol for symbol, count in self.ctx.book.holdings.moves().items() if count != since.get(symbol))
        still, _ = apart(gaps, moved, whole_coins=self.ctx.broker.info.whole_coins)
        return len(still) < len(gaps)

    async def _adjust(self, confirmed: tuple[PositionGap, ...]) -> None:
        """One note and one audit row each, durable before anybody hears of it."""
        ctx = self.ctx
        if not confirmed:
            return
        found = adjustments_for(
            confirmed,
            settled(confirmed, await self._endings(confirmed), ctx.clock.now()),
            profile=ctx.profile.name,
            cause=lambda symbol: self._cause(symbol).value,
        )
        ctx.steps.reach("recon.adjust")
        rows = [
            ctx.audit(GATEWAY, "position.adjust", one.symbol, outcome="done", reason=one.cause, qty=text_of(one.qty))
            for one in found
        ]
        await ctx.writer.write([*(one.entry for one in found), *rows])
        for one in found:
            ctx.log.warning("position.adjusted", symbol=one.symbol, qty=text_of(one.qty), cause=one.cause)
            self.tell(one)

    async def _endings(self, confirmed: tuple[PositionGap, ...]) -> tuple[OptionEvent, ...]:
        """What the venue tells of options that ended; one that does not answer this has told nothing."""
        ctx = self.ctx
        left = [OptionContract.parse(gap.symbol) for gap in gone(confirmed)]
        if not left or Can.OPTION_EVENTS not in ctx.broker.info.can:
            return ()
        today = ctx.clock.now().date()
        since = min(today, *(contract.expiry for contract in left if contract is not None)) - EXPIRY_EARLY
        try:
            return (await cast("OptionEvents", ctx.broker).get_option_events(since)).items
        except FloorbrokerError as error:
            ctx.log.warning("options.endings_unavailable", code=error.code, detail=error.detail)
            return ()

    def _cause(self, symbol: str) -> Cause:
        if self.watermark is None:
            return Cause.OPENING
        if symbol in self.inbound.ignored_symbols:
            return Cause.IGNORED
        lacking = any(order.terms.symbol == symbol for order in self.ctx.book.lacking_executions())
        return Cause.UNLISTED if lacking else Cause.UNEXPLAINED

    async def _refetch(self, since: datetime) -> None:
        """What may explain a difference: orders we have not heard of yet, totals, and fills where the venue lists them."""
        broker = self.ctx.broker
        orders = (await broker.get_order_history(since)).items
        fills = (await broker.get_fills(since)).items if Can.HISTORY_FILLS in broker.info.can else ()
        await self.inbound.take([*orders, *fills])
        if Can.HISTORY_FILLS not in broker.info.can:  # a round may last longer than the grace of a total that it heard
            await self._stand_in(self.ctx.book.lacking_executions())

    async def _note(self, result: Round) -> None:
        data = {name: str(count) for name, count in result.counts.items()}
        data |= {"started": result.at.isoformat(), "differences": BETWEEN.join(result.differences)}
        mark = result.at if result.converged else self.watermark
        data["watermark"] = mark.isoformat() if mark is not None else ""
        await self.ctx.writer.write([NoteEntry(profile=self.ctx.profile.name, topic=ROUND, data=data)])

    async def try_round(self) -> Round | FloorbrokerError:
        """A round, or why it failed."""
        with self._span("reconcile.round") as span:
            try:
                with ours(self.ctx.log, "reconcile.unforeseen"):
                    found = await self.round()
            except FloorbrokerError as error:
                span.failed(error.code)
                self.ctx.meter.count("reconciliations", result="failed")
                self.ctx.log.warning("reconcile.failed", code=error.code, detail=error.detail)
                return error
            result = "converged" if found.converged else "differs"
            span.note(result=result)
            self.ctx.meter.count("reconciliations", result=result)
            self.ctx.meter.count("reconciliation_differences", len(found.differences))
            return found

    def _span(self, name: str) -> Span:
        return self.ctx.tracer.span(name, profile=self.ctx.profile.name, broker=self.ctx.profile.broker)
