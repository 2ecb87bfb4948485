"""What a route looks at: each profile's session, gathered at one moment without waiting, and the few things it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, SymbolNotFound
from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, AssetClass, ProfileName, Side
from floorbroker.gateway.routing.cost import Cost, Offer, cost_at, reference_of
from floorbroker.gateway.routing.latency import LatencyBook
from floorbroker.gateway.routing.policy import Policy, Strategy, VenueTerms
from floorbroker.gateway.routing.strategies import Candidate
from floorbroker.gateway.session import ProfileSession
from floorbroker.marketdata.books import BookKeeper
from floorbroker.oms.account import AccountContext
from floorbroker.oms.scales import asked_about
from floorbroker.oms.unforeseen import ours
from floorbroker.risk.controls import unsupported
from floorbroker.risk.verdict import Verdict

UNKNOWN_S = 600.0  # for how long a venue is not asked again for a symbol it did not know
_UNKNOWN_MOST = 10_000
_DEPTH = 20
_ALL = Decimal(1)
Score = Callable[[ProfileName], int]


@frozen
class Shown:
    """What each profile with a fresh price shows, and the best touch of all: None where nobody has a price."""

    reference: Decimal | None
    offers: Mapping[ProfileName, Offer]


@dataclass(slots=True, kw_only=True)
class Looks:
    """Looks at profiles for the router.  `keeper` gives the books of a profile that are kept anyway; a route begins none."""

    policy: Policy
    clock: Clock
    health: Score
    keeper: Callable[[ProfileName], BookKeeper | None]
    latencies: LatencyBook = field(init=False)
    _unknown_s: dict[tuple[ProfileName, str], float] = field(default_factory=dict[tuple[ProfileName, str], float])
    _asked: dict[tuple[ProfileName, str], asyncio.Task[Any]] = field(
        default_factory=dict[tuple[ProfileName, str], asyncio.Task[Any]]
    )  # prices on their way
    _terms: dict[ProfileName, tuple[VenueTerms, VenueTerms]] = field(
        default_factory=dict[ProfileName, tuple[VenueTerms, VenueTerms]]
    )  # the configured ones, and what was last made of them with the latency of that moment

    def __post_init__(self) -> None:
        self.latencies = LatencyBook(self.clock)

    # -- at one moment ----------------------------------------------------------------------------------------------------

    def candidates(
        self,
        sessions: Sequence[ProfileSession],
        wish: NewOrder,
        uses: Strategy,
        demoted: frozenset[ProfileName],
        *,
        shown: Shown | None = None,
    ) -> list[Candidate]:
        """Every profile as a route for a wish, now.  `shown` is what they show, where the strategy compares prices."""
        symbol = asked_about(wish)
        kind, found = asset_class_of(symbol), list[Candidate]()
        for session in sessions:
            ctx = session.ctx
            unfit = self._unfit(ctx, wish, symbol, kind)
            if unfit is not None:
                found.append(Candidate(profile=ctx.profile.name, unfit=unfit))
            else:
                found.append(self._candidate(ctx, wish, uses, demoted, shown))
        return found

    def _candidate(
        self, ctx: AccountContext, wish: NewOrder, uses: Strategy, demoted: frozenset[ProfileName], shown: Shown | None
    ) -> Candidate:
        """With what its strategy looks at, and no more."""
        name = ctx.profile.name
        if uses is Strategy.LOAD_BALANCED:
            return Candidate(
                profile=name,
                closes=closes(ctx, wish),
                demoted=name in demoted,
                weight=self.policy.terms_of(name).weight,
                open_orders=ctx.book.open_count,
                health=self.health(name),
                budget_left=budget_left(ctx),
            )
        if shown is None:
            return Candidate(profile=name, closes=closes(ctx, wish), demoted=name in demoted)
        offer = shown.offers.get(name)
        return Candidate(
            profile=name,
            closes=closes(ctx, wish),
            demoted=name in demoted,
            cost=None if offer is None else self._cost(name, wish, offer, shown.reference),
            unpriced=self._why_unpriced(ctx, wish) if offer is None else "",
        )

    def _unfit(self, ctx: AccountContext, wish: NewOrder, symbol: str, kind: AssetClass) -> Verdict | None:
        """Why a profile cannot take a wish, as far as can be told without measuring it; None when it can."""
        if (shut := shut_of(ctx, by_memory=True)) is not None:
            return shut
        info = ctx.broker.info
        if missing := unsupported(wish, info, kind):
            return _no("supported", f"{info.name} {missing}")
        if self._unknown_s and self._does_not_know(ctx.profile.name, symbol):
            return _no("symbol", f"{info.name} does not know {symbol}")
        return None

    def _does_not_know(self, profile: ProfileName, symbol: str) -> bool:
        asked_s = self._unknown_s.get((profile, symbol))
        return asked_s is not None and self.clock.monotonic() - asked_s < UNKNOWN_S

    def note_unknown(self, profile: ProfileName, symbol: str) -> None:
        """A venue does not know a symbol: it is not asked again for a while."""
        while len(self._unknown_s) >= _UNKNOWN_MOST:
            del self._unknown_s[next(iter(self._unknown_s))]
        self._unknown_s[profile, symbol] = self.clock.monotonic()

    # -- prices -----------------------------------------------------------------------------------------------------------

    async def freshened(self, sessions: Sequence[ProfileSession], wish: NewOrder) -> Shown:
        """What profiles show, once the prices that are missing or old were asked for, all at once and for a moment at most.

        Who does not answer has none.
        """
        shown, symbol = self.shown(sessions, wish), asked_about(wish)
        kind, silent = asset_class_of(symbol), [s.ctx for s in sessions if s.ctx.profile.name not in shown.offers]
        stale = [ctx for ctx in silent if self._unfit(ctx, wish, symbol, kind) is None]
        if not stale or wish.legs:
            return shown
        await self._waited([self._asking(ctx, symbol) for ctx in stale])
        return self.shown(sessions, wish)

    async def instruments(self, sessions: Iterable[ProfileSession], wish: NewOrder) -> dict[ProfileName, Instrument]:
        """Each venue's rules for the wish's symbol, asked for where they are not at hand, for a moment at most."""
        symbol, found, missing = asked_about(wish), dict[ProfileName, Instrument](), list[AccountContext]()
        for session in sessions:
            if (rules := session.ctx.at_hand(wish)) is None:
                missing.append(session.ctx)
            else:
                found[session.ctx.profile.name] = rules
        await self._waited([ctx.spawn(self._rules(ctx, symbol, found), name="route-rules") for ctx in missing])
        return found

    async def _rules(self, ctx: AccountContext, symbol: str, found: dict[ProfileName, Instrument]) -> None:
        try:
            with ours(ctx.log, "route.unforeseen", profile=ctx.profile.name):
                found[ctx.profile.name] = await ctx.instrument(symbol)
        except SymbolNotFound:
            self.note_unknown(ctx.profile.name, symbol)
        except FloorbrokerError as error:  # without rules no part of an order is cut for it
            ctx.log.warning("route.no_rules", profile=ctx.profile.name, symbol=symbol, code=error.code)

    def _asking(self, ctx: AccountContext, symbol: str) -> asyncio.Task[Any]:
        """The question for a price that is under way, begun when none is: many orders at once ask a venue once."""
        mark = (ctx.profile.name, symbol)
        task = self._asked.get(mark)
        if task is None or task.done():
            task = self._asked[mark] = ctx.spawn(self._ask(ctx, symbol), name="route-quote")
            task.add_done_callback(lambda ended: self._answered(mark, ended))
        return task

    def _answered(self, mark: tuple[ProfileName, str], ended: asyncio.Task[Any]) -> None:
        if self._asked.get(mark) is ended:
            del self._asked[mark]

    async def _waited(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Until all have ended, or the moment that an order waits has passed; they go on without it."""
        if not tasks:
            return
        timer = asyncio.ensure_future(self.clock.sleep(self.policy.quote_wait_s))
        pending: set[asyncio.Future[object]] = set(tasks)
        try:
            while pending and not timer.done():
                await asyncio.wait({*pending, timer}, return_when=asyncio.FIRST_COMPLETED)
                pending = {task for task in pending if not task.done()}
        finally:
            timer.cancel()

    async def _ask(self, ctx: AccountContext, symbol: str) -> None:
        try:
            with ours(ctx.log, "route.unforeseen", profile=ctx.profile.name):
                ctx.on_quote(await ctx.broker.get_market_data(symbol))
        except SymbolNotFound:
            self.note_unknown(ctx.profile.name, symbol)
        except FloorbrokerError as error:  # it stays without a price, and the route says so
            ctx.log.warning("route.no_quote", profile=ctx.profile.name, symbol=symbol, code=error.code)

    def _cost(self, profile: ProfileName, wish: NewOrder, offer: Offer, reference: Decimal | None) -> Cost | None:
        if reference is None:
            return None
        return cost_at(wish, offer, self.terms(profile), reference=reference, latency_bps_s=self.policy.latency_bps_s)

    def shown(self, sessions: Iterable[ProfileSession], wish: NewOrder) -> Shown:
        """What each profile with a fresh price shows on the other side, and the best touch of all.

        That is its book where one is kept and fresh, else its quote while that is young.
        """
        symbol, side, offers = asked_about(wish), wish.side, dict[ProfileName, Offer]()
        for session in () if wish.legs else sessions:  # what its legs come to together, nobody shows
            ctx = session.ctx
            name = ctx.profile.name
            keeper = self.keeper(name)
            offer = self._from_book(keeper, symbol, side) if keeper is not None else None
            if offer is None:
                offer = self._from_quote(ctx, symbol, side)
            if offer is not None:
                offers[name] = offer
        reference = reference_of(side, offers.values())
        return Shown(reference=None if reference is None or reference <= 0 else reference, offers=offers)

    def terms(self, profile: ProfileName) -> VenueTerms:
        """What a profile costs and bears, with the latency that is expected of it now."""
        terms = self.policy.terms_of(profile)
        expected_ms = self.latencies.expected_ms(profile, terms.latency_ms)
        if expected_ms == terms.latency_ms:
            return terms
        made = self._terms.get(profile)
        if made is None or made[0] is not terms or made[1].latency_ms != expected_ms:
            made = self._terms[profile] = (terms, replace(terms, latency_ms=expected_ms))
        return made[1]

    def _from_book(self, keeper: BookKeeper, symbol: str, side: Side) -> Offer | None:
        view = keeper.peek(symbol, depth=_DEPTH)
        if view is None or view.time is None:
            return None
        age_s = (self.clock.now() - view.time).total_seconds()
        mine, others = (view.asks, view.bids) if side is Side.BUY else (view.bids, view.asks)
        if not mine or not -1.0 <= age_s <= self.policy.quote_age_max_s:
            return None
        levels = tuple((Decimal(level.price), level.size) for level in mine)
        return Offer(
            levels=levels, age_s=max(age_s, 0.0), source="book", other=Decimal(others[0].price) if others else None
        )

    def _from_quote(self, ctx: AccountContext, symbol: str, side: Side) -> Offer | None:
        heard = ctx.heard(symbol)
        if heard is None:
            return None
        at_s, quote = heard
        age_s = self.clock.monotonic() - at_s
        if age_s > self.policy.quote_age_max_s:
            return None
        if side is Side.BUY:
            price, size, other = quote.ask, quote.ask_size, quote.bid
        else:
            price, size, other = quote.bid, quote.bid_size, quote.ask
        if price is None or price <= 0:
            return None
        return Offer(levels=((price, size if size > 0 else ZERO),), age_s=age_s, source="quote", other=other)

    def _why_unpriced(self, ctx: AccountContext, wish: NewOrder) -> str:
        if wish.legs:
            return "an order of several legs has no one price"
        symbol = asked_about(wish)
        held = ctx.reference(symbol)
        if held is None:
            return f"no price of {symbol}"
        if held.age_s > self.policy.quote_age_max_s:
            return f"its price of {symbol} is {held.age_s:.1f} s old"
        return f"its quote of {symbol} has no {'ask' if wish.side is Side.BUY else 'bid'}"


def shut_of(ctx: AccountContext, *, by_memory: bool = False) -> Verdict | None:
    """Why a profile takes no new orders at all; None when it does.

    `by_memory` leaves out its permit, which is a file: the controls of whoever is chosen look at that before they approve.
    """
    switches = ctx.switches
    if why := (switches.latched if by_memory and switches.latched else switches.blocked)():
        return _no("latch", why)
    if why := switches.locked():
        return _no("vault", why)
    if why := switches.not_ready():
        return _no("ready", why)
    if why := switches.not_armed():
        return _no("armed", why)
    return None


def closes(ctx: AccountContext, wish: NewOrder) -> bool:
    """Whether a wish would only reduce what the account holds; measured by what it holds alone."""
    held = ctx.book.holdings.units.get(wish.symbol, ZERO)
    if not held or (held > 0) == (wish.side is Side.BUY):
        return False
    return wish.order_qty is not None and wish.order_qty <= abs(held)


def budget_left(ctx: AccountContext) -> Decimal:
    """The free share of the account's message rate, of the second and the minute the smaller (0 to 1)."""
    second, minute = ctx.gate.message_counts()
    limits, left = ctx.limits, _ALL
    for used, most in ((second, limits.max_messages_s), (minute, limits.max_messages_min)):
        if most is not None and used:
            left = min(left, 1 - Decimal(used) / most)
    return max(left, ZERO)


def _no(control: str, detail: str) -> Verdict:
    return Verdict(control=control, ok=False, detail=detail)
