"""A strategy that throws, blocks, floods or dies is stopped, and its orders go by the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConnectionFailed, KillSwitchOn, OrderRejected
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import Quote
from floorbroker.domain.values import IntentId, OrderClass, OrdStatus, Price, ProfileName, Side
from floorbroker.gateway.desk import ANY, CancelledAll, OrderFilter
from floorbroker.risk.controls import unsupported
from floorbroker.strategy.bots import Bot, BotFailed, Child, Clerk, Host, Inside, Keep, Kept, Policy, Purse, Spec

NOW = datetime(2024, 1, 2, 15, tzinfo=UTC)
STRATEGIES = """
import os, time
from floorbroker import Strategy

class Trouble(Strategy):
    what: str = "nothing"

    def on_quote(self, quote):
        print("what a strategy prints is no answer")
        if self.what == "throws":
            raise ValueError("no such luck")
        if self.what == "blocks":
            time.sleep(60)
        if self.what == "dies":
            os._exit(3)
        if self.what == "closes":
            if quote.symbol == "throw":
                raise ValueError("no such luck")
            self.close(quote.symbol)
        if self.what == "floods":
            for _ in range(200):
                self.buy("SPY", 1)
        if self.what == "looks":
            self.state["seen"] = sorted(name for name in os.environ if name.startswith("BROKER_"))
"""


def bought(symbol: str, qty: Decimal) -> Any:
    """An order that has filled."""
    side = Side.BUY if qty > 0 else Side.SELL
    execution = SimpleNamespace(symbol=symbol, side=side, last_qty=abs(qty), fee=None)
    return SimpleNamespace(
        terms=SimpleNamespace(symbol=symbol, side=side, order_class=OrderClass.SIMPLE), executions=(execution,),
        needs_executions=False, cum_qty=abs(qty),
    )  # fmt: skip


class FakeDesk:
    """Keeps what is asked."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.cancelled: list[OrderFilter] = []
        self.submitted: list[Any] = []
        self.bought = Decimal(7)  # by the bot's orders

    async def submit(self, order: Any, **given: Any) -> Any:
        self.submitted.append((order, given))
        raise KillSwitchOn("nothing goes out")

    def orders(self, where: OrderFilter = ANY) -> list[Any]:
        assert where.strategy == "trouble"
        return [] if where.open_only else [bought(self.symbol, self.bought)]

    async def cancel_all(self, where: OrderFilter, **given: Any) -> CancelledAll:
        self.cancelled.append(where)
        return CancelledAll(orders=())


def bot_of(
    what: str, folder: Path, host: Host, *, policy: Policy = Policy.CANCEL, symbol: str = "SPY"
) -> tuple[Bot, FakeDesk]:
    (folder / "own.py").write_text(STRATEGIES, "utf-8")
    desk, strategy = FakeDesk(symbol), f"{folder}/own.py:Trouble"
    parameters = {"what": what, "symbols": [symbol]}
    kept = Kept(strategy=strategy, parameters=parameters)
    clerk = Clerk(name="trouble", desk=cast("Any", desk), profile=ProfileName("paper"), kept=kept)

    async def purse() -> Purse:
        return Purse(cash=Decimal(100), equity=Decimal(100), held={symbol: Decimal(7)})

    bot = Bot(
        name="trouble", spec=Spec(strategy=strategy, parameters=parameters, policy=policy), clerk=clerk, host=host,
        keep=Keep(folder / "trouble.json"), clock=ManualClock(NOW), log=NoLog(), purse=purse,
    )  # fmt: skip
    return bot, desk


QUOTE = Quote(symbol="SPY", bid=Price(Decimal(1)), ask=Price(Decimal(2)), time=NOW)
CASES: Sequence[tuple[str, str]] = (
    ("throws", "ValueError: no such luck"),
    ("blocks", "did not answer within 1 s"),
    ("dies", "ended with code 3"),
    ("floods", "more than 120 wishes within a minute"),
)


@pytest.mark.asyncio
@pytest.mark.parametrize(("what", "said"), CASES)
async def test_it_is_stopped_and_its_orders_are_cancelled(what: str, said: str, tmp_path: Path) -> None:
    bot, desk = bot_of(what, tmp_path, Child(patience_s=1.0))
    try:
        await bot.begin([])
        with pytest.raises(BotFailed, match=said):
            await bot.quote(QUOTE)
        assert [where.strategy for where in desk.cancelled] == ["trouble"]
        kept = bot.keep.read()
        assert kept is not None
        assert said in kept.stopped
        assert not desk.submitted
    finally:
        await bot.host.close()


@pytest.mark.asyncio
async def test_it_sees_no_credential_of_the_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_API_KEY", "a secret")
    bot, _ = bot_of("looks", tmp_path, Child())
    try:
        await bot.begin([])
        await bot.quote(QUOTE)
        assert bot.kept.state == {"seen": []}
        await bot.stop()
    finally:
        await bot.host.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(("policy", "cancels", "closes"), [(Policy.LEAVE, 0, 0), (Policy.FLATTEN, 1, 1)])
async def test_the_policy_says_what_becomes_of_its_orders(
    policy: Policy, cancels: int, closes: int, tmp_path: Path
) -> None:
    bot, desk = bot_of("throws", tmp_path, Inside(), policy=policy)
    await bot.begin([])
    with pytest.raises(BotFailed):
        await bot.quote(QUOTE)
    assert (len(desk.cancelled), len(desk.submitted)) == (cancels, closes)
    if closes:
        order, given = desk.submitted[0]
        assert (order.side.value, order.order_qty, given["key"].startswith("trouble/stopped:SPY")) == ("sell", 7, True)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("own", "account", "closed"),
    [
        ("3", "7", ("sell", 3)),  # four are somebody else's
        ("9", "7", ("sell", 7)),  # two were closed by hand: what is not there is not sold
        ("-3", "-7", ("buy", 3)),
        ("-3", "7", None),
        ("0", "7", None),
    ],
)
async def test_what_it_holds_itself_is_closed_and_nothing_of_others(
    own: str, account: str, closed: tuple[str, int] | None, tmp_path: Path
) -> None:
    bot, desk = bot_of("throws", tmp_path, Inside(), policy=Policy.FLATTEN)
    desk.bought = Decimal(own)

    async def purse() -> Purse:
        return Purse(cash=Decimal(100), equity=Decimal(100), held={"SPY": Decimal(account)})

    bot.purse = purse
    await bot.begin([])
    with pytest.raises(BotFailed):
        await bot.quote(QUOTE)
    sent = [(order.side.value, order.order_qty) for order, _ in desk.submitted]
    assert sent == ([] if closed is None else [closed])


@pytest.mark.asyncio
@pytest.mark.parametrize("symbol", ["SPY", "BTC/USD", "BTC/USDT:USDT", "EUR/USD", "AAPL260320P00150000"])
async def test_what_closes_a_position_is_an_order_that_venues_take(symbol: str, tmp_path: Path) -> None:
    """Coins have no day: an order for the day would be refused, and the position would stay."""
    bot, desk = bot_of("closes", tmp_path, Inside(), policy=Policy.FLATTEN, symbol=symbol)
    await bot.begin([])
    await bot.quote(replace(QUOTE, symbol=symbol))
    with pytest.raises(BotFailed):
        await bot.quote(replace(QUOTE, symbol="throw"))
    assert [order.side.value for order, _ in desk.submitted] == ["sell", "sell"]
    kind = asset_class_of(symbol)
    for order, _ in desk.submitted:
        assert [info.code for info in BROKERS.values() if kind in info.tifs and unsupported(order, info, kind)] == []
    assert "kill_switch_on" in bot.kept.stopped  # what was refused is said where the bot is listed


@pytest.mark.asyncio
async def test_a_desk_that_can_do_nothing_lets_no_stopped_bot_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, desk = bot_of("throws", tmp_path, Inside(), policy=Policy.FLATTEN)
    await bot.begin([])
    stood: list[str] = []

    async def fail(where: OrderFilter, **given: Any) -> CancelledAll:
        del where, given
        stood.append(cast("Kept", bot.keep.read()).stopped)
        raise ConnectionFailed("nobody answers")

    monkeypatch.setattr(desk, "cancel_all", fail)
    with pytest.raises(BotFailed):
        await bot.quote(QUOTE)
    assert "no such luck" in stood[0]  # before anything was asked
    kept = bot.keep.read()
    assert kept is not None
    assert "its orders were not cancelled: connection_failed: nobody answers" in kept.stopped
    assert len(desk.submitted) == 1  # it is closed all the same


@pytest.mark.asyncio
async def test_an_order_that_could_not_be_cancelled_is_named_where_the_bot_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, desk = bot_of("throws", tmp_path, Inside())
    await bot.begin([])

    async def refuse(where: OrderFilter, **given: Any) -> CancelledAll:
        del where, given
        return CancelledAll(orders=(), refused={IntentId("one"): OrderRejected("the market is closed")})

    monkeypatch.setattr(desk, "cancel_all", refuse)
    with pytest.raises(BotFailed):
        await bot.quote(QUOTE)
    assert "order one was not cancelled: order_rejected: the market is closed" in bot.kept.stopped


@pytest.mark.asyncio
async def test_what_the_desk_refuses_is_told_as_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot, desk = bot_of("floods", tmp_path, Inside())
    bot.spec = replace(bot.spec, wishes_minute_max=1_000)
    await bot.begin([])
    told: list[Any] = []
    original = bot.host.see

    async def see(seen: Any) -> Any:
        told.append(seen.ordered)
        return await original(seen)

    monkeypatch.setattr(bot.host, "see", see)
    await bot.quote(QUOTE)
    refused = [one for one in told if one is not None]
    assert len(desk.submitted) == len(refused) == 200
    assert {one.ord_status for one in refused} == {OrdStatus.NOT_SENT}
    assert "kill_switch_on" in refused[0].reason
