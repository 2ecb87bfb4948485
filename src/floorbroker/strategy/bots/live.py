"""A bot at a running desk: the market's events and time come in, one after the other, until it is stopped.

What is older than two bars when it starts is history: the strategy may look at it, and is not called for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid, FloorbrokerError, NotSupported
from floorbroker.domain.ports import Log
from floorbroker.domain.records import Account, DataKind, Quote, Trade
from floorbroker.domain.values import ZERO, ProfileName
from floorbroker.gateway.desk import DeskEvent
from floorbroker.gateway.feeds import Tick
from floorbroker.gateway.gateway import Gateway
from floorbroker.strategy.bots.bars import Maker
from floorbroker.strategy.bots.bot import Bot
from floorbroker.strategy.bots.warmup import calendar_of, since
from floorbroker.strategy.bots.wire import Closed, Purse

QUEUE = 10_000
HISTORIES = (1_000, 500, 100)  # bars of each symbol; fewer where a venue keeps fewer
BARS_MAX = 10_000  # of one question
IDLE_S = 1.0
RETRY_S = 2.0
STIR_FIRST_S, STIR_S = 5.0, 60.0  # when orders that are over are looked at, whether anybody told of them or not
CHANNELS = frozenset({"orders", "fills"})


@dataclass(slots=True)
class Holdings:
    """The account of one profile, or of all of them as one, for a strategy's eyes.  Money is asked for again after fills.

    A venue that does not answer leaves it as it was heard last, and so does one that takes its time: a bot does not stay deaf to
    its orders for it, and sees the money with a later event.  Before anything was heard, `purse` waits, and raises.
    """

    desk: Gateway
    profile: ProfileName | None
    symbols: Sequence[str] = ()  # that the strategy looks at
    patience_s: float = 2.0
    is_stale: bool = True
    _is_known: bool = False
    _asking: asyncio.Task[None] | None = None
    _cash: Decimal = ZERO
    _equity: Decimal = ZERO
    _rates: dict[ProfileName, Decimal] = field(default_factory=dict[ProfileName, Decimal])  # of each account's currency

    async def purse(self) -> Purse:
        patience_s = 0.0  # a question that was waited for once is not waited for with each event
        if self.is_stale and self._asking is None:
            self.is_stale = False
            self._asking = asyncio.create_task(self._ask(), name="bot:account")
            patience_s = self.patience_s
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=patience_s if self._is_known else None)
            self._take_answer()
        held = self._held()
        return Purse(
            cash=self._cash, equity=self._equity, held=held, marks=self._marks(held), scales=self._scales(held)
        )

    def _take_answer(self) -> None:
        asking = self._asking
        if asking is None or not asking.done():
            return
        self._asking = None
        try:
            asking.result()
        except FloorbrokerError:
            self.is_stale = True
            if not self._is_known:
                raise

    async def close(self) -> None:
        """Nobody waits for an answer any more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
            self._asking = None

    async def _ask(self) -> None:
        accounts = {name: await self.desk.account(name) for name in self._names()}
        rates = {name: self._rate(account, accounts.values()) for name, account in accounts.items()}
        self._cash = sum((account.cash * rates[name] for name, account in accounts.items()), ZERO)
        self._equity = sum((account.equity * rates[name] for name, account in accounts.items()), ZERO)
        self._rates, self._is_known = rates, True

    def _names(self) -> list[ProfileName]:
        return [self.profile] if self.profile is not None else [*self.desk.sessions]

    def _rate(self, account: Account, all_of_them: Iterable[Account]) -> Decimal:
        """Into the currency of all accounts, or the desk's base where there are several.  Raises `ConfigInvalid` without one."""
        if len({one.currency for one in all_of_them}) == 1:
            return Decimal(1)
        risk = self.desk.sessions[self._names()[0]].ctx.risk
        rate = risk.between(account.currency, risk.base)
        if rate is None:
            raise ConfigInvalid(
                f"the accounts of this desk are in several currencies: say under [risk.rates] what one {account.currency} is"
                f" worth in {risk.base}, or give the bot a profile"
            )
        return rate

    def _marks(self, held: Iterable[str]) -> dict[str, Decimal]:
        """What a unit of each holding is marked at, where anybody said."""
        contexts = [self.desk.sessions[name].ctx for name in self._names()]
        told = {symbol: [ctx.share.worth(symbol)[0] for ctx in contexts] for symbol in held}
        return {
            symbol: marks[0] for symbol, found in told.items() if (marks := [one for one in found if one is not None])
        }

    def _scales(self, held: Iterable[str]) -> dict[str, Decimal]:
        """What makes an amount of the account; of accounts that do not agree, the dearest."""
        found: dict[str, Decimal] = {}
        for symbol in dict.fromkeys(("", *self.symbols, *held)):
            said = [(self.desk.sessions[name].ctx.scales(symbol), rate) for name, rate in self._rates.items()]
            known = [scale * rate for scale, rate in said if scale is not None]
            if known and len(known) == len(said):
                found[symbol] = max(known)
        return found

    def _held(self) -> dict[str, Decimal]:
        held: dict[str, Decimal] = {}
        for name in self._names():
            for symbol, qty in self.desk.sessions[name].ctx.book.holdings.all().items():
                held[symbol] = held.get(symbol, ZERO) + qty
        return {symbol: qty for symbol, qty in held.items() if qty}


@dataclass(slots=True, kw_only=True)
class Running:
    """`run` returns when `stop` is set, and raises `BotFailed` when the strategy failed."""

    bot: Bot
    desk: Gateway
    holdings: Holdings
    symbols: Sequence[str]
    span: timedelta
    clock: Clock
    log: Log
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    woken: asyncio.Event = field(default_factory=asyncio.Event)  # the strategy has started, and hears the market
    _waiting: asyncio.Queue[Quote | Trade | Bar | DeskEvent] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    _missed: int = 0
    _heard_from: datetime | None = None  # when the market was heard first: bars that began before are not whole
    _stirs_at_s: float = 0.0  # by the monotonic clock

    async def run(self) -> None:
        """From waking up to the stop."""
        try:
            await self._live()
        finally:
            await self.holdings.close()

    async def _live(self) -> None:
        await self._until_the_account_is_known()
        makers = {symbol: Maker(symbol, self.span) for symbol in self.symbols}
        history = await self._history()
        recent = self.clock.now() - 2 * self.span
        for symbol in self.symbols:
            handled = self.bot.kept.handled.get(symbol)
            self.bot.kept.handled[symbol] = max(recent, handled) if handled else recent
        await self.bot.begin(history)
        for closed in history:
            await self.bot.bar(closed)
        await self.bot.adopt()
        following = asyncio.create_task(self._follow(), name=f"bot:{self.bot.name}:orders")
        consumer = await self.desk.subscribe_market_data(
            self.symbols, self._take, kinds=self._kinds(), profile=self.holdings.profile
        )
        self._heard_from = self.clock.now()
        self.woken.set()
        try:
            await self._loop(makers)
            await self.bot.stop()
        finally:
            await consumer.close()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await self.bot.host.close()

    async def _until_the_account_is_known(self) -> None:
        while True:
            try:
                await self.holdings.purse()
            except FloorbrokerError as error:
                self.log.warning("bot.no_account", bot=self.bot.name, code=error.code, detail=error.detail)
                await self.clock.sleep(RETRY_S)
            else:
                return

    def _kinds(self) -> frozenset[DataKind]:
        return frozenset({DataKind.QUOTES, DataKind.TRADES})

    async def _history(self) -> list[Closed]:
        """What the venue tells of the past; nothing where it tells nothing."""
        found: list[Closed] = []
        now = self.clock.now()
        for symbol in self.symbols:
            found += await self._history_of(symbol, now)
        return sorted(found, key=lambda closed: closed.end)

    async def _history_of(self, symbol: str, now: datetime) -> list[Closed]:
        """As many bars as the venue keeps: one that refuses so many is asked for fewer."""
        calendar = calendar_of(symbol, self.bot.spec.calendar)
        why = ""
        for count in HISTORIES:
            start = since(now, span=self.span, count=count, calendar=calendar)
            try:
                series = await self._bars(symbol, start, now)
            except NotSupported as error:
                why = error.detail
            except FloorbrokerError as error:
                why = error.detail
                break
            else:
                return _closed(series, self.span, now)[-count:]
        self.log.warning("bot.no_history", bot=self.bot.name, symbol=symbol, detail=why)
        return []

    async def _bars(self, symbol: str, start: datetime, end: datetime) -> BarSeries:
        """All of a time, early and late hours included: a limit would leave out the newest."""
        return await self.desk.bars(
            symbol, span_s=int(self.span.total_seconds()), start=start, end=end,
            limit=min((end - start) // self.span + 1, BARS_MAX), profile=self.holdings.profile,
        )  # fmt: skip

    async def _whole(self, closed: Closed) -> Closed | None:
        """A bar as it was from its start on: one that began before the market was heard is the venue's own, or none."""
        bar = closed.bar
        if self._heard_from is None or bar.start >= self._heard_from:
            return closed
        try:
            told = await self._bars(bar.symbol, bar.start, closed.end)
        except FloorbrokerError as error:
            self.log.warning("bot.no_whole_bar", bot=self.bot.name, symbol=bar.symbol, detail=error.detail)
            return None
        return next((Closed(bar=one, end=closed.end) for one in told if one.start == bar.start), None)

    def _take(self, tick: Tick) -> None:
        if isinstance(tick.event, Quote | Trade):
            self._put(tick.event)

    def _put(self, event: Quote | Trade | DeskEvent) -> None:
        """A strategy that is too slow loses the newest prices first; what became of orders is looked up in any case."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(event)
            return
        self._missed += 1

    async def _follow(self) -> None:
        """Own orders and fills; only that something changed counts, the desk is asked what."""
        async for event in self.desk.events(channels=CHANNELS):
            if event.order is not None and self.bot.clerk.notices(event.order):
                self._put(event)

    async def _loop(self, makers: dict[str, Maker]) -> None:
        stopping = asyncio.create_task(self.stop.wait())
        self._stirs_at_s = self.clock.monotonic() + STIR_FIRST_S
        try:
            while not self.stop.is_set():
                event = await self._next(makers, stopping)
                await self._stir()
                for closed in self._over(makers, event):
                    if (whole := await self._whole(closed)) is not None:
                        await self.bot.bar(whole)
                await self._hand(event)
        finally:
            stopping.cancel()

    async def _stir(self) -> None:
        """What changed while nobody followed yet, or more than the queue held."""
        now_s = self.clock.monotonic()
        if now_s >= self._stirs_at_s:
            self._stirs_at_s = now_s + STIR_S
            self.bot.clerk.stir()
            await self.bot.look()

    async def _next(
        self, makers: dict[str, Maker], stopping: asyncio.Task[bool]
    ) -> Quote | Trade | Bar | DeskEvent | None:
        """The next event; None when time passed, or it is to stop."""
        getting = asyncio.create_task(self._waiting.get())
        sleeping = asyncio.create_task(self.clock.sleep(self._patience_s(makers)))
        try:
            await asyncio.wait({getting, sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return getting.result() if getting.done() else None
        finally:
            getting.cancel()
            sleeping.cancel()

    def _patience_s(self, makers: dict[str, Maker]) -> float:
        """Until the next bar is over or a timer is due."""
        due = [maker.due for maker in makers.values() if maker.due is not None]
        if self.bot.next_timer is not None:
            due.append(self.bot.next_timer)
        left_s = (min(due) - self.clock.now()).total_seconds() if due else IDLE_S
        return min(max(left_s, 0.0), IDLE_S)

    def _over(self, makers: dict[str, Maker], event: Quote | Trade | Bar | DeskEvent | None) -> list[Closed]:
        """Bars that are over, by this event or by the time; the event goes into the one that runs."""
        now = self.clock.now()
        found = [closed for maker in makers.values() for closed in maker.over(now)]
        if isinstance(event, Quote | Trade) and event.symbol in makers:
            found += makers[event.symbol].take(event)
        return sorted(found, key=lambda closed: closed.end)

    async def _hand(self, event: Quote | Trade | Bar | DeskEvent | None) -> None:
        match event:
            case Quote():
                await self.bot.quote(event)
            case Trade():
                await self.bot.trade(event)
            case DeskEvent():
                self.holdings.is_stale = True
                await self.bot.look()
            case _:
                if self.bot.next_timer is not None and self.bot.next_timer <= self.clock.now():
                    await self.bot.tick()


def _closed(series: BarSeries, span: timedelta, now: datetime) -> list[Closed]:
    bars = [Closed(bar=bar, end=bar.start + span) for bar in series]
    return [closed for closed in bars if closed.end <= now]
