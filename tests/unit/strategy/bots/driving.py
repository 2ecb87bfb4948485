"""A bot at a demo's venue, driven minute by minute over recorded prices; the backtest of the same minutes beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from floorbroker.backtest import Backtest, Feed, Span, cut, recorded_feed
from floorbroker.cli.demo.market import DemoMarket, Minute
from floorbroker.cli.demo.stages import Stage
from floorbroker.domain.bars import Bar
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, text_of
from floorbroker.strategy import BarView, Filled, WishId
from floorbroker.strategy.bots import Bot, Clerk, Closed, Inside, Keep, Kept, Logbook, Purse, Spec
from floorbroker.strategy.bots.clerk import nowhere
from floorbroker.strategy.shelf import Patient
from floorbroker.tape import load, merged
from floorbroker_sim.recorded import trade_of

MINUTE = timedelta(minutes=1)
Fills = list[dict[str, str]]


class Play:
    """The first `minutes` of one recorded day."""

    def __init__(self, data: Path, symbols: tuple[str, ...], day: date, *, minutes: int) -> None:
        whole, _ = recorded_feed(load(data), symbols, Span.MINUTE, since=day, until=day, quotes=True)
        opens = whole.span()[0]
        ends = opens + minutes * MINUTE
        self.feed = Feed(
            bars={symbol: cut(columns, opens, ends) for symbol, columns in whole.bars.items()},
            quotes=[series.where(lambda start: opens <= start < ends) for series in whole.quotes],
        )
        self.market = DemoMarket(
            minutes=tuple(_minutes(data, symbols, day, opens, ends)), source="recorded", recorded=data
        )
        self.bars = _bars(self.feed)

    def backtest(self) -> Fills:
        return lines(Backtest(Patient(symbols=tuple(self.feed.bars)), self.feed).run().fills)


def _minutes(data: Path, symbols: tuple[str, ...], day: date, opens: datetime, ends: datetime) -> Iterable[Minute]:
    events = (e for e in merged(load(data), symbols, [day]) if opens < e.time <= ends)
    for time, group in groupby(events, key=lambda event: event.time):
        played = [event.event for event in group]
        quotes = tuple(event for event in played if isinstance(event, Quote))
        trades = tuple(trade_of(event, time) for event in played if isinstance(event, Bar))
        yield Minute(time=time, quotes=quotes, trades=trades)


def _bars(feed: Feed) -> dict[datetime, list[Closed]]:
    """Bars by the moment they are over, in the order of the symbols."""
    found: dict[datetime, list[Closed]] = {}
    for columns in feed.bars.values():
        for place in range(len(columns)):
            view = BarView(columns, place)
            found.setdefault(view.end, []).append(Closed(bar=view.to_bar(), end=view.end))
    return found


def bot_at(stage: Any, symbols: Iterable[str], folder: Path, *, passing: Callable[[str], None] = nowhere) -> Bot:
    """A bot that wakes up from what its file says."""
    keep = Keep(folder / "patient.json")
    parameters = {"symbols": list(symbols)}
    kept = keep.read() or Kept(strategy="patient", parameters=parameters)
    session = stage.desk.sessions[stage.profile]

    async def purse() -> Purse:
        held = {symbol: qty for symbol, qty in session.ctx.book.holdings.all().items() if qty}
        account = session.ctx.account
        return Purse(cash=account.cash, equity=account.equity, held=held)

    logbook = Logbook(folder / "decisions.jsonl")
    logbook.open()
    clerk = Clerk(name="patient", desk=stage.desk, profile=stage.profile, kept=kept, passing=passing)
    spec = Spec(strategy="patient", parameters=parameters, wishes_minute_max=10_000)
    return Bot(
        name="patient", spec=spec, clerk=clerk, host=Inside(), keep=keep, clock=stage.clock, log=NoLog(), purse=purse,
        logbook=logbook,
    )  # fmt: skip


async def quiet(stage: Stage, clerk: Clerk) -> None:
    """Until the desk knows every fill the venue has done, and nothing of the bot is on its way."""
    clock = SystemClock()
    async with asyncio.timeout(30):
        while len(stage.desk.fills()) < await stage.fills_at_venue() or not clerk.is_quiet:
            await clock.sleep(0.002)


async def minute_of(bot: Bot, stage: Stage, minute: Minute, bars: Iterable[Closed], *, moves: bool = True) -> None:
    """The venue's minute, then the bot's."""
    if moves:
        await bot.adopt()
        was_open = bool(bot.kept.orders)
        await stage.move(minute)
        if was_open:
            await quiet(stage, bot.clerk)
    await bot.look()
    for quote in minute.quotes:
        await bot.quote(quote)
    for closed in bars:
        await bot.bar(closed)
        while bot.kept.orders:
            await quiet(stage, bot.clerk)
            before = dict(bot.kept.wishes)
            await bot.look()
            if before == bot.kept.wishes:
                break


def desk_fills(stage: Stage) -> Fills:
    found = [
        Filled(
            wish=WishId(fill.intent_id), symbol=e.symbol, side=e.side, qty=e.last_qty, price=e.last_px,
            fee=e.fee.amount if e.fee else ZERO, at=e.transact_time,
        )
        for fill in stage.desk.fills()
        for e in (fill.execution,)
    ]  # fmt: skip
    return lines(found)


def lines(fills: Iterable[Filled]) -> Fills:
    """By time; within one second by symbol, since venues stamp what they do at once in orders of their own."""
    found = [
        {
            "symbol": fill.symbol,
            "side": fill.side.value,
            "quantity": text_of(fill.qty),
            "price": text_of(fill.price),
            "fee": text_of(fill.fee) if fill.fee else "0",
            "time": f"{fill.at:%Y-%m-%dT%H:%M:%S}",
        }
        for fill in fills
    ]
    return sorted(found, key=lambda line: (line["time"], line["symbol"], line["side"]))
