"""`OrderSchema`: what outside text may say, and what it is told when it may not."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import (
    OrderClass,
    OrderType,
    PositionIntent,
    Price,
    Quantity,
    Side,
    TimeInForce,
    decimal_of,
)
from floorbroker.oms.schema import OrderSchema, parse_changes, parse_order
from floorbroker.oms.schema_types import canonical

BUY = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"}
BRACKET = {
    **BUY, "type": "limit", "limit_price": "100", "order_class": "bracket",
    "take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "95", "limit_price": "94.5"},
}  # fmt: skip
OCO = {
    **BUY, "side": "sell", "type": "limit", "order_class": "oco",
    "take_profit": {"limit_price": "160"}, "stop_loss": {"stop_price": "145"},
}  # fmt: skip
LEG = {"symbol": "AAPL260320C00150000", "side": "buy", "ratio_qty": "1", "position_intent": "buy_to_open"}
OTHER_LEG = {"symbol": "AAPL260320C00160000", "side": "sell", "ratio_qty": 1}
SPREAD = {"type": "limit", "quantity": "2", "limit_price": "-1.25", "order_class": "mleg", "legs": [LEG, OTHER_LEG]}


def qty(text: str) -> Quantity:
    return Quantity(Decimal(text))


def px(text: str) -> Price:
    return Price(Decimal(text))


def refused(data: object) -> tuple[FieldError, ...]:
    with pytest.raises(InvalidRequest) as caught:
        parse_order(data)
    return caught.value.fields


GOOD: list[tuple[dict[str, Any], NewOrder]] = [
    (BUY, NewOrder(symbol="AAPL", side=Side.BUY, order_type=OrderType.MARKET, order_qty=qty("10"))),
    (
        {**BUY, "quantity": 7, "type": "limit", "limit_price": "189.5", "strategy": "momentum-1", "reason": "breakout"},
        NewOrder(
            symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=qty("7"), price=px("189.50"),
            strategy="momentum-1", reason="breakout",
        ),
    ),
    (
        {"symbol": "BTC/USD", "side": "sell", "type": "market", "notional": "25.5", "time_in_force": "gtc"},
        NewOrder(
            symbol="BTC/USD", side=Side.SELL, order_type=OrderType.MARKET, notional=Decimal("25.5"), tif=TimeInForce.GTC
        ),
    ),
    (
        {**BUY, "type": "trailing_stop", "side": "sell", "trail_percent": "1.5"},
        NewOrder(
            symbol="AAPL", side=Side.SELL, order_type=OrderType.TRAILING_STOP, order_qty=qty("10"),
            trail_percent=Decimal("1.5"),
        ),
    ),
    (
        {**BUY, "type": "stop_limit", "stop_price": "10", "limit_price": "10.5",
         "time_in_force": "gtd", "expire_at": "2026-11-20T22:00:00+01:00"},
        NewOrder(
            symbol="AAPL", side=Side.BUY, order_type=OrderType.STOP_LIMIT, order_qty=qty("10"), price=px("10.5"),
            stop_px=px("10"), tif=TimeInForce.GTD, expire_at=datetime(2026, 11, 20, 21, tzinfo=UTC),
        ),
    ),
    (
        {**BUY, "side": "sell", "type": "market_if_touched", "stop_price": "210", "symbol": "BTC/USDT:USDT"},
        NewOrder(
            symbol="BTC/USDT:USDT", side=Side.SELL, order_type=OrderType.MARKET_IF_TOUCHED, order_qty=qty("10"),
            stop_px=px("210"),
        ),
    ),
    (
        {**BUY, "type": "limit_if_touched", "stop_price": "9", "limit_price": "9.1", "post_only": True,
         "display_quantity": "2.5"},
        NewOrder(
            symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT_IF_TOUCHED, order_qty=qty("10"), price=px("9.1"),
            stop_px=px("9"), post_only=True, display_qty=qty("2.5"),
        ),
    ),
    (
        BRACKET,
        NewOrder(
            symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=qty("10"), price=px("100"),
            order_class=OrderClass.BRACKET, take_profit=px("110"),
            stop_loss=StopLoss(stop_px=px("95"), price=px("94.5")),
        ),
    ),
    (
        OCO,
        NewOrder(
            symbol="AAPL", side=Side.SELL, order_type=OrderType.LIMIT, order_qty=qty("10"), price=px("160"),
            order_class=OrderClass.OCO, take_profit=px("160"), stop_loss=StopLoss(stop_px=px("145")),
        ),
    ),
    (
        SPREAD,
        NewOrder(
            symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=qty("2"), price=px("-1.25"),
            order_class=OrderClass.MULTILEG,
            legs=(
                OrderLeg(
                    symbol="AAPL  260320C00150000", side=Side.BUY, ratio_qty=qty("1"),
                    position_intent=PositionIntent.BUY_TO_OPEN,
                ),
                OrderLeg(symbol="AAPL  260320C00160000", side=Side.SELL, ratio_qty=qty("1")),
            ),
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "order"), GOOD)
def test_a_good_wish_becomes_the_order_it_describes(text: dict[str, Any], order: NewOrder) -> None:
    assert parse_order(json.loads(json.dumps(text))).to_order() == order


@pytest.mark.parametrize(
    ("written", "inside"),
    [
        ("AAPL", "AAPL"), ("BRK.B", "BRK.B"), ("BTC/USD", "BTC/USD"), ("BTC/USDT:USDT", "BTC/USDT:USDT"),
        ("1INCH/USDT", "1INCH/USDT"),
        ("RELIANCE.NSE", "RELIANCE.NSE"), ("M&M.NSE", "M&M.NSE"), ("BAJAJ-AUTO.BSE", "BAJAJ-AUTO.BSE"),
        ("NIFTY260310C25000.NFO", "NIFTY260310C25000.NFO"), ("M&M260331P3007.5.BFO", "M&M260331P3007.5.BFO"),
        ("AAPL260320P00150000", "AAPL  260320P00150000"), ("AAPL  260320P00150000", "AAPL  260320P00150000"),
    ],
)  # fmt: skip
def test_symbols_come_in_every_spelling_of_the_house(written: str, inside: str) -> None:
    assert parse_order({**BUY, "symbol": written}).symbol == inside


@pytest.mark.parametrize(
    "symbol",
    [
        "", "aapl", "AAPL ", " AAPL", "AA PL", "AAPL\n", "AAPL\x00", "ÄPFEL", "BTC//USD", "/USD", "A" * 33,
        "BTC/USDT:", "BTC:USDT", "BTC/USDT:usdt", "BTC/USDT:USDT:USDT",
        "NIFTY260310C25000.NSX", "NIFTY260310X25000.NFO", "NIFTY260310C25000.5555.NFO",
        "AAPL261320P00150000", "AAPL260320X00150000", "AAPL260320P00000000", "AAPL260320P0015000²", "<script>", 7, None,
    ],
)  # fmt: skip
def test_what_is_no_symbol_is_refused_by_name(symbol: object) -> None:
    assert [e.pointer for e in refused({**BUY, "symbol": symbol})] == ["/symbol"]


@pytest.mark.parametrize(
    "number",
    [
        "0", "-1", "-0", "NaN", "sNaN", "Infinity", "-Infinity", "1e400", "1e-400", "9" * 39, "", " 1", "1 ", "1_000",
        "1,000", "0x10", "ten", "٣", "1\x00", 1.5, float("nan"), float("inf"), True, False, 0, -3, 10**50, [],
        {}, ["1"],
    ],
)  # fmt: skip
def test_a_number_that_is_not_exact_and_positive_is_refused_by_name(number: object) -> None:
    assert [e.pointer for e in refused({**BUY, "quantity": number})] == ["/quantity"]


@pytest.mark.parametrize("text", ["1", "1.50", "1.5e1", "1E+2", "0.00000001", "1E-8", "+2", 3])
def test_exact_numbers_are_taken_in_every_plain_spelling(text: str | int) -> None:
    assert parse_order({**BUY, "quantity": text}).quantity == decimal_of(text)


RULES: list[tuple[dict[str, Any], str, str]] = [
    ({**BUY, "side": None}, "/side", "missing"),
    ({**BUY, "symbol": None}, "/symbol", "missing"),
    ({**BUY, "quantity": None}, "/quantity", "missing"),
    ({**BUY, "notional": "5"}, "/notional", "not_allowed_here"),
    ({**BUY, "type": "limit"}, "/limit_price", "missing"),
    ({**BUY, "limit_price": "5"}, "/limit_price", "not_allowed_here"),
    ({**BUY, "type": "limit", "limit_price": "-5"}, "/limit_price", "not_positive"),
    ({**BUY, "type": "stop"}, "/stop_price", "missing"),
    ({**BUY, "stop_price": "5"}, "/stop_price", "not_allowed_here"),
    ({**BUY, "type": "stop", "stop_price": "5", "limit_price": "5"}, "/limit_price", "not_allowed_here"),
    ({**BUY, "type": "stop_limit", "stop_price": "5"}, "/limit_price", "missing"),
    ({**BUY, "type": "trailing_stop"}, "/trail_percent", "missing"),
    ({**BUY, "type": "trailing_stop", "trail_price": "1", "trail_percent": "1"}, "/trail_price", "not_allowed_here"),
    ({**BUY, "type": "trailing_stop", "trail_percent": "100"}, "/trail_percent", "out_of_range"),
    ({**BUY, "trail_price": "1"}, "/trail_price", "not_allowed_here"),
    ({**BUY, "time_in_force": "gtd"}, "/expire_at", "missing"),
    ({**BUY, "expire_at": "2026-11-20T21:00:00Z"}, "/expire_at", "not_allowed_here"),
    ({**BUY, "take_profit": {"limit_price": "5"}}, "/take_profit", "not_allowed_here"),
    ({**BUY, "order_class": "bracket", "take_profit": {"limit_price": "5"}}, "/stop_loss", "missing"),
    ({**BRACKET, "take_profit": {"limit_price": "100"}}, "/take_profit/limit_price", "out_of_order"),
    ({**BRACKET, "stop_loss": {"stop_price": "101"}}, "/stop_loss/stop_price", "out_of_order"),
    ({**BRACKET, "type": "market", "limit_price": None, "stop_loss": {"stop_price": "111"}}, "/stop_loss/stop_price",
     "out_of_order"),
    ({**BRACKET, "order_class": "oto"}, "/stop_loss", "not_allowed_here"),
    ({**BUY, "order_class": "oto"}, "/take_profit", "missing"),
    ({**OCO, "stop_loss": None}, "/stop_loss", "missing"),
    ({**OCO, "limit_price": "161"}, "/limit_price", "contradiction"),
    ({**OCO, "type": "market"}, "/type", "not_one_of"),
    ({**OCO, "stop_loss": {"stop_price": "161"}}, "/stop_loss/stop_price", "out_of_order"),
    ({**SPREAD, "legs": [LEG]}, "/legs", "out_of_range"),
    ({**SPREAD, "legs": [LEG] * 5}, "/legs", "too_long"),
    ({**SPREAD, "symbol": "AAPL"}, "/symbol", "not_allowed_here"),
    ({**SPREAD, "legs": [LEG, {**OTHER_LEG, "symbol": "AAPL"}]}, "/legs/1/symbol", "not_valid"),
    ({**BUY, "legs": [LEG, OTHER_LEG]}, "/legs", "not_allowed_here"),
    ({**BUY, "type": "market_if_touched"}, "/stop_price", "missing"),
    ({**BUY, "type": "limit_if_touched", "stop_price": "5"}, "/limit_price", "missing"),
    ({**BUY, "type": "market_if_touched", "stop_price": "5", "limit_price": "5"}, "/limit_price", "not_allowed_here"),
    ({**BUY, "post_only": True}, "/post_only", "not_allowed_here"),
    ({**BUY, "type": "limit", "limit_price": "5", "time_in_force": "ioc", "post_only": True}, "/post_only",
     "not_allowed_here"),
    ({**SPREAD, "post_only": True}, "/post_only", "not_allowed_here"),
    ({**BUY, "display_quantity": "5"}, "/display_quantity", "not_allowed_here"),
    ({**BUY, "type": "limit", "limit_price": "5", "display_quantity": "10"}, "/display_quantity", "out_of_range"),
    ({**BUY, "type": "limit", "limit_price": "5", "time_in_force": "fok", "display_quantity": "5"},
     "/display_quantity", "not_allowed_here"),
    ({**BUY, "type": "limit", "limit_price": "5", "quantity": None, "notional": "9", "display_quantity": "5"},
     "/display_quantity", "not_allowed_here"),
    ({**BUY, "type": "limit", "limit_price": "5", "display_quantity": "0"}, "/display_quantity", "not_valid"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pointer", "code"), RULES)
def test_members_that_disagree_are_named(text: dict[str, Any], pointer: str, code: str) -> None:
    assert (pointer, code) in [(e.pointer, e.code) for e in refused(text)]


def test_exits_of_a_sell_stand_the_other_way_round() -> None:
    sell = {**BRACKET, "side": "sell", "take_profit": {"limit_price": "90"}, "stop_loss": {"stop_price": "105"}}
    assert parse_order(sell).side is Side.SELL
    buy_back = {**OCO, "side": "buy", "take_profit": {"limit_price": "90"}, "stop_loss": {"stop_price": "105"}}
    assert parse_order(buy_back).side is Side.BUY


def test_a_wish_with_several_mistakes_is_told_all_of_them() -> None:
    found = refused({"symbol": "aapl", "sid": "buy", "type": "LIMIT", "quantity": 1.5})
    assert [e.pointer for e in found] == ["/symbol", "/type", "/quantity", "/sid"]
    assert "did you mean 'side'?" in found[-1].detail


@pytest.mark.parametrize("body", [None, [], "text", 7, True, {}])
def test_what_is_no_order_at_all_is_refused(body: object) -> None:
    assert refused(body)


@pytest.mark.parametrize(
    "changed",
    [
        {"time_in_force": "DAY"}, {"side": "Buy"}, {"side": 1}, {"type": ["market"]}, {"extended_hours": 1},
        {"extended_hours": "true"}, {"post_only": 1}, {"profile": "../etc"}, {"profile": "a" * 65}, {"strategy": "x" * 65},
        {"reason": "x" * 501}, {"reason": "line\nbreak"}, {"client_tag": "\x07"}, {"reason": "\ud800"},
        {"reason": "turned \u202e around"}, {"legs": {}}, {"legs": [[]]}, {"take_profit": "5"},
        {"time_in_force": "gtd", "expire_at": "2026-11-20T21:00:00"},
        {"time_in_force": "gtd", "expire_at": "2026-13-40T99:00:00Z"},
        {"time_in_force": "gtd", "expire_at": "0001-01-01T00:00:00+23:59"},
        {"time_in_force": "gtd", "expire_at": 1763672400},
    ],
)  # fmt: skip
def test_a_member_of_the_wrong_kind_is_refused_by_name(changed: dict[str, Any]) -> None:
    assert refused({**BUY, **changed})[0].pointer.startswith(f"/{list(changed)[-1]}")


def test_a_flood_of_mistakes_is_answered_with_the_first_few() -> None:
    assert len(refused({**BUY, **{f"x{n}": n for n in range(5000)}})) == 20


def test_a_pointer_shows_hostile_names_in_plain_ascii() -> None:
    (found,) = refused({**BUY, "a/b~\x00é" + "y" * 500: 1})
    assert found.pointer.startswith("/a~1b~0")
    assert found.pointer.isascii()
    assert found.pointer.isprintable()
    assert len(found.pointer) < 100


def test_a_broken_name_is_refused() -> None:
    assert refused({**BUY, "\ud800": 1})


def test_the_refusal_of_a_member_does_not_repeat_what_was_written() -> None:
    assert "hunter2" not in str(refused({**BUY, "quantity": "hunter2", "symbol": "hunter2"}))


def test_building_the_schema_by_hand_follows_the_same_rules() -> None:
    with pytest.raises(ValidationError, match="worst price you accept"):
        OrderSchema(symbol="AAPL", side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(1))


def test_the_digest_is_of_the_meaning_not_the_spelling() -> None:
    same = {"quantity": "10.00", "type": "market", "side": "buy", "symbol": "AAPL", "time_in_force": "day", "legs": []}
    assert parse_order(BUY).digest() == parse_order(same).digest()
    assert parse_order(BUY).digest() != parse_order({**BUY, "quantity": "11"}).digest()
    assert parse_order(BUY).digest() != parse_order({**BUY, "profile": "other"}).digest()
    assert parse_order(SPREAD).digest() != parse_order({**SPREAD, "legs": [OTHER_LEG, LEG]}).digest()


@given(
    strategy=st.text(max_size=12).filter(lambda text: _is_taken("strategy", text)),
    reason=st.text(max_size=40).filter(lambda text: _is_taken("reason", text)),
)
def test_the_digest_is_of_the_canonical_json_of_rfc_8785_i20(strategy: str, reason: str) -> None:
    """Keys live for years: a build that wrote a wish otherwise would call a repeat another order."""
    for body in (BUY, SPREAD):
        wish = parse_order({**body, "strategy": strategy, "reason": reason, "allow_duplicate": True})
        members = canonical(wish.model_dump(exclude_defaults=True))
        assert isinstance(members, dict)
        assert wish.digest() == hashlib.sha256(rfc8785.dumps(members)).hexdigest()


def _is_taken(member: str, text: str) -> bool:
    try:
        parse_order({**BUY, member: text})
    except InvalidRequest:
        return False
    return True


def test_changes_become_what_a_replace_asks_for() -> None:
    parsed = parse_changes({"quantity": "5", "limit_price": "10.5", "time_in_force": "gtc"}).to_changes()
    assert parsed == OrderChanges(order_qty=qty("5"), price=px("10.5"), tif=TimeInForce.GTC)
    assert parse_changes({"trail_percent": "2"}).to_changes() == OrderChanges(trail=Decimal(2))


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ({}, ""), ({"quantity": None}, ""), ({"quantity": "0"}, "/quantity"), ({"price": "1"}, "/price"),
        ({"trail_price": "1", "trail_percent": "1"}, "/trail_price"), ([], ""),
    ],
)  # fmt: skip
def test_changes_that_say_nothing_or_too_much_are_refused(text: object, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_changes(text)
    assert caught.value.fields[0].pointer == pointer


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = st.sampled_from([*OrderSchema.model_fields, "unknown"])


@given(st.dictionaries(MEMBERS, JSON, max_size=8))
def test_text_gets_past_the_schema_as_a_sized_order_or_not_at_all(extra: dict[str, Any]) -> None:
    told: tuple[FieldError, ...] = ()
    order = None
    try:
        order = parse_order({**BUY, **extra}).to_order()
    except InvalidRequest as error:
        told = error.fields
    assert (order is None) == bool(told)
    assert all(field.pointer.isascii() for field in told)
    assert order is None or (order.symbol and (order.order_qty is None) != (order.notional is None))
