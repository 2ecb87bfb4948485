"""The order by which a kill closes a position, as a pure function."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.records import MarketHours, Position, Quote
from floorbroker.domain.values import AssetClass, OrderType, PositionIntent, Price, Side, TimeInForce
from floorbroker.gateway.flatten import Left, asks_hours, closing, is_closed
from tests.support.fake_broker import INFO

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
SHARE = Instrument(symbol="X", asset_class=AssetClass.EQUITY, currency="USD")
COIN = Instrument(
    symbol="X",
    asset_class=AssetClass.CRYPTO,
    currency="USD",
    lot=Decimal("0.001"),
    min_qty=Decimal("0.01"),
    min_notional=Decimal(10),
    ticks=(TickRule(from_price=Decimal(0), tick=Decimal("0.5")),),
)
KINDS = tuple(AssetClass)
EVERYWHERE = replace(
    INFO,
    order_types={kind: frozenset(OrderType) for kind in KINDS},
    tifs={kind: frozenset(TimeInForce) for kind in KINDS},
)


def quote(bid: str | None = "99.99", ask: str | None = "100.01", last: str | None = None) -> Quote:
    prices = [None if text is None else Price(Decimal(text)) for text in (bid, ask, last)]
    return Quote(symbol="X", bid=prices[0], ask=prices[1], last=prices[2], time=NOW, source="test")


def held(qty: str) -> Position:
    return Position(symbol="X", qty=Decimal(qty))


def found(
    qty: str, instrument: Instrument = SHARE, *, asked: Quote | None = None, bps: str = "200"
) -> tuple[Side, Decimal | None, Decimal | None] | str:
    told = closing(held(qty), instrument, asked or quote(), EVERYWHERE, collar_bps=Decimal(bps))
    return told.detail if isinstance(told, Left) else (told[0].side, told[0].order_qty, told[0].price)


@pytest.mark.parametrize(
    ("qty", "instrument", "expected"),
    [
        ("10", SHARE, (Side.SELL, 10, Decimal("98.00"))),  # 99.99 less 2 % is 97.9902: the tick inside the collar
        ("-3", SHARE, (Side.BUY, 3, Decimal("102.01"))),  # 100.01 and 2 % is 102.0102
        ("10.7", SHARE, (Side.SELL, 10, Decimal("98.00"))),  # the rest of a share is dust
        ("0.4", SHARE, "dust: 0.4 is below the venue's smallest order, 1"),
        ("2.50049", COIN, (Side.SELL, Decimal("2.5"), Decimal("98.0"))),
        ("0.009", COIN, "dust: 0.009 is below the venue's smallest order, 0.01"),
        ("0.05", COIN, "dust: 4.9 is below the venue's smallest order, 10"),
    ],
)
def test_the_order_is_for_all_that_the_venues_steps_allow(qty: str, instrument: Instrument, expected: object) -> None:
    assert found(qty, instrument) == expected


def test_its_price_is_never_beyond_the_collar() -> None:
    coarse = replace(SHARE, ticks=(TickRule(from_price=Decimal(0), tick=Decimal(5)),))
    for bps in ("1", "50", "200", "900"):
        sold, bought = found("10", coarse, bps=bps), found("-10", coarse, bps=bps)
        assert not isinstance(sold, str)
        assert not isinstance(bought, str)
        assert sold[2] is not None
        assert bought[2] is not None
        assert sold[2] >= Decimal("99.99") * (1 - Decimal(bps) / 10_000)
        assert bought[2] <= Decimal("100.01") * (1 + Decimal(bps) / 10_000)


@pytest.mark.parametrize("asked", [quote(bid=None), quote(bid="0")])
def test_without_a_price_it_waits(asked: Quote) -> None:
    told = closing(held("10"), SHARE, asked, EVERYWHERE, collar_bps=Decimal(200))
    assert told == Left(detail="the venue tells no price", for_good=False)


def test_the_last_price_stands_in_for_a_touch_that_is_not_told() -> None:
    assert found("10", asked=quote(bid=None, last="50")) == (Side.SELL, 10, Decimal("49.00"))


def test_what_is_left_goes_by_itself_where_the_venue_has_such_orders() -> None:
    forms = closing(held("10"), SHARE, quote(), EVERYWHERE, collar_bps=Decimal(200))
    assert not isinstance(forms, Left)
    assert [wish.tif for wish in forms] == [TimeInForce.IOC, TimeInForce.DAY, TimeInForce.GTC]
    dull = replace(EVERYWHERE, tifs={AssetClass.EQUITY: frozenset({TimeInForce.GTC})})
    forms = closing(held("10"), SHARE, quote(), dull, collar_bps=Decimal(200))
    assert not isinstance(forms, Left)
    assert [wish.tif for wish in forms] == [TimeInForce.GTC]


@pytest.mark.parametrize(
    ("kind", "reduces", "intent"),
    [
        (AssetClass.PERPETUAL, True, None),
        (AssetClass.CRYPTO, False, None),
        (AssetClass.OPTION, False, PositionIntent.SELL_TO_CLOSE),
    ],
)
def test_it_only_reduces_where_the_venue_offers_that(
    kind: AssetClass, *, reduces: bool, intent: PositionIntent | None
) -> None:
    can = replace(EVERYWHERE, can=EVERYWHERE.can | {Can.REDUCE_ONLY})
    forms = closing(held("10"), replace(SHARE, asset_class=kind), quote(), can, collar_bps=Decimal(200))
    assert not isinstance(forms, Left)
    assert (forms[0].reduce_only, forms[0].position_intent) == (reduces, intent)


def test_no_order_is_larger_than_the_venue_takes_at_once() -> None:
    forms = closing(held("-10"), replace(SHARE, max_qty=Decimal(4)), quote(), EVERYWHERE, collar_bps=Decimal(200))
    assert not isinstance(forms, Left)
    assert [wish.order_qty for wish in forms] == [4] * len(forms)


def test_a_venue_without_a_fitting_order_leaves_the_position() -> None:
    for bare in (replace(EVERYWHERE, order_types={}), replace(EVERYWHERE, tifs={})):
        assert isinstance(closing(held("10"), SHARE, quote(), bare, collar_bps=Decimal(200)), Left)


@pytest.mark.parametrize(
    ("hours", "closed"),
    [
        (MarketHours(market="XNYS", day=NOW.date(), is_open_day=False), True),
        (MarketHours(market="XNYS", day=NOW.date(), is_open_day=True), False),
        (MarketHours(market="XNYS", day=NOW.date(), is_open_day=True, open=NOW, close=NOW.replace(hour=21)), False),
        (MarketHours(market="XNYS", day=NOW.date(), is_open_day=True, open=NOW.replace(hour=9), close=NOW), True),
        (MarketHours(market="XNYS", day=NOW.date(), is_open_day=True, is_open_now=False), True),
    ],
)
def test_a_market_is_closed_by_its_own_word_or_by_its_session(hours: MarketHours, *, closed: bool) -> None:
    assert is_closed(hours, NOW) is closed


def test_coins_have_no_hours() -> None:
    told = replace(EVERYWHERE, can=EVERYWHERE.can | {Can.MARKET_HOURS})
    assert asks_hours(SHARE, told)
    assert not asks_hours(COIN, told)
    assert not asks_hours(SHARE, replace(EVERYWHERE, can=EVERYWHERE.can - {Can.MARKET_HOURS}))
