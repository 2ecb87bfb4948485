"""Every reason for which an order is refused, and every reason that the control door can bring about."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from floorbroker_sim.oanda import info

if TYPE_CHECKING:
    from tests.unit.sim.oanda.conftest import OandaAsker

LIMIT: dict[str, Any] = {"type": "LIMIT", "price": "1.05000"}
GONE = "2026-03-02T14:00:00Z"


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"instrument": None}, "INSTRUMENT_MISSING"),
        ({"instrument": "EUR_XXX"}, "INSTRUMENT_UNKNOWN"),
        ({"units": None}, "UNITS_MISSING"),
        ({"units": "0"}, "UNITS_INVALID"),
        ({"units": "1.5"}, "UNITS_PRECISION_EXCEEDED"),
        ({"units": "100000001"}, "UNITS_LIMIT_EXCEEDED"),
        ({"instrument": "SPX500_USD", "units": "0.05"}, "UNITS_PRECISION_EXCEEDED"),
        ({"type": "LIMIT"}, "PRICE_MISSING"),
        (LIMIT | {"price": "0"}, "PRICE_INVALID"),
        (LIMIT | {"price": "1.050001"}, "PRICE_PRECISION_EXCEEDED"),
        ({"timeInForce": "GTC"}, "TIME_IN_FORCE_INVALID"),
        ({"timeInForce": ""}, "TIME_IN_FORCE_MISSING"),
        (LIMIT | {"timeInForce": "GTD"}, "TIME_IN_FORCE_GTD_TIMESTAMP_MISSING"),
        (LIMIT | {"timeInForce": "GTD", "gtdTime": GONE}, "TIME_IN_FORCE_GTD_TIMESTAMP_IN_PAST"),
        ({"priceBound": "-1"}, "PRICE_BOUND_INVALID"),
        ({"priceBound": "1.200001"}, "PRICE_BOUND_PRECISION_EXCEEDED"),
        ({"positionFill": "SOMEHOW"}, "ORDER_FILL_POSITION_ACTION_INVALID"),
        ({"positionFill": ""}, "ORDER_FILL_POSITION_ACTION_MISSING"),
        (LIMIT | {"triggerCondition": "LAST"}, "TRIGGER_CONDITION_INVALID"),
        (LIMIT | {"triggerCondition": ""}, "TRIGGER_CONDITION_MISSING"),
        ({"clientExtensions": {"id": "x" * 129}}, "CLIENT_ORDER_ID_INVALID"),
        ({"clientExtensions": {"tag": " "}}, "CLIENT_ORDER_TAG_INVALID"),
        ({"clientExtensions": {"comment": "a\nb"}}, "CLIENT_ORDER_COMMENT_INVALID"),
        ({"tradeClientExtensions": {"id": ""}}, "CLIENT_TRADE_ID_INVALID"),
        ({"tradeClientExtensions": {"tag": ""}}, "CLIENT_TRADE_TAG_INVALID"),
        ({"tradeClientExtensions": {"comment": ""}}, "CLIENT_TRADE_COMMENT_INVALID"),
        ({"takeProfitOnFill": {}}, "TAKE_PROFIT_ON_FILL_PRICE_MISSING"),
        ({"takeProfitOnFill": {"price": "-1"}}, "TAKE_PROFIT_ON_FILL_PRICE_INVALID"),
        ({"takeProfitOnFill": {"price": "1.200001"}}, "TAKE_PROFIT_ON_FILL_PRICE_PRECISION_EXCEEDED"),
        ({"takeProfitOnFill": {"price": "1.2", "timeInForce": "FOK"}}, "TAKE_PROFIT_ON_FILL_TIME_IN_FORCE_INVALID"),
        ({"takeProfitOnFill": {"price": "1.2", "timeInForce": ""}}, "TAKE_PROFIT_ON_FILL_TIME_IN_FORCE_MISSING"),
        ({"takeProfitOnFill": {"price": "1.2", "timeInForce": "GTD"}}, "TAKE_PROFIT_ON_FILL_GTD_TIMESTAMP_MISSING"),
        (
            {"takeProfitOnFill": {"price": "1.2", "timeInForce": "GTD", "gtdTime": GONE}},
            "TAKE_PROFIT_ON_FILL_GTD_TIMESTAMP_IN_PAST",
        ),
        ({"takeProfitOnFill": {"price": "1.2", "triggerCondition": "X"}}, "TAKE_PROFIT_ON_FILL_TRIGGER_CONDITION_INVALID"),
        ({"takeProfitOnFill": {"price": "1.2", "clientExtensions": {"id": ""}}}, "TAKE_PROFIT_ON_FILL_CLIENT_ORDER_ID_INVALID"),
        ({"stopLossOnFill": {}}, "STOP_LOSS_ON_FILL_PRICE_AND_DISTANCE_BOTH_MISSING"),
        ({"stopLossOnFill": {"price": "1", "distance": "1"}}, "STOP_LOSS_ON_FILL_PRICE_AND_DISTANCE_BOTH_SPECIFIED"),
        ({"stopLossOnFill": {"price": "0"}}, "STOP_LOSS_ON_FILL_PRICE_INVALID"),
        ({"stopLossOnFill": {"price": "1.000001"}}, "STOP_LOSS_ON_FILL_PRICE_PRECISION_EXCEEDED"),
        ({"stopLossOnFill": {"distance": "-1"}}, "STOP_LOSS_ON_FILL_DISTANCE_INVALID"),
        ({"stopLossOnFill": {"distance": "0.000001"}}, "STOP_LOSS_ON_FILL_DISTANCE_PRECISION_EXCEEDED"),
        ({"stopLossOnFill": {"distance": "2"}}, "STOP_LOSS_ON_FILL_PRICE_DISTANCE_MAXIMUM_EXCEEDED"),
        ({"stopLossOnFill": {"price": "1", "timeInForce": "IOC"}}, "STOP_LOSS_ON_FILL_TIME_IN_FORCE_INVALID"),
        ({"stopLossOnFill": {"price": "1", "timeInForce": "GTD"}}, "STOP_LOSS_ON_FILL_GTD_TIMESTAMP_MISSING"),
        ({"stopLossOnFill": {"price": "1", "guaranteed": True}}, "STOP_LOSS_ON_FILL_GUARANTEED_NOT_ALLOWED"),
        ({"guaranteedStopLossOnFill": {"price": "1"}}, "STOP_LOSS_ON_FILL_GUARANTEED_NOT_ALLOWED"),
        ({"trailingStopLossOnFill": {}}, "TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_MISSING"),
        ({"trailingStopLossOnFill": {"distance": "0"}}, "TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_INVALID"),
        ({"trailingStopLossOnFill": {"distance": "0.010001"}}, "TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_PRECISION_EXCEEDED"),
        ({"trailingStopLossOnFill": {"distance": "1.5"}}, "TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_MAXIMUM_EXCEEDED"),
        ({"trailingStopLossOnFill": {"distance": "0.0004"}}, "TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_MINIMUM_NOT_MET"),
        (
            {"clientExtensions": {"id": "a"}, "takeProfitOnFill": {"price": "1.2", "clientExtensions": {"id": "a"}}},
            "ORDERS_ON_FILL_DUPLICATE_CLIENT_ORDER_IDS",
        ),
    ],
)  # fmt: skip
def test_an_entry_is_refused_with_the_reason_of_the_list(ask: OandaAsker, terms: dict[str, Any], reason: str) -> None:
    assert reason in info.REJECT_REASONS
    assert ask.no(**terms) == reason
    entry = ask.log()[-1]
    assert (entry["type"], entry["reason"]) == (f"{terms.get('type', 'MARKET')}_ORDER_REJECT", "CLIENT_ORDER")
    assert ask("GET", "./orders", state="ALL")["orders"] == []


def test_the_smallest_size_is_asked_for(ask: OandaAsker, monkeypatch: pytest.MonkeyPatch) -> None:
    bigger = info.Listed(anchor="1", display="EUR/USD", minimum="10")
    monkeypatch.setitem(info.INSTRUMENTS, "EUR_USD", bigger)
    assert ask.no(units="9") == "UNITS_MIMIMUM_NOT_MET"


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"type": "TAKE_PROFIT", "tradeID": None}, "TRADE_ID_UNSPECIFIED"),
        ({"type": "TAKE_PROFIT", "tradeID": "99"}, "TRADE_DOESNT_EXIST"),
        ({"type": "TAKE_PROFIT", "clientTradeID": "other"}, "TRADE_IDENTIFIER_INCONSISTENCY"),
        ({"type": "TAKE_PROFIT"}, "PRICE_MISSING"),
        ({"type": "TAKE_PROFIT", "price": "1.2", "timeInForce": "FOK"}, "TIME_IN_FORCE_INVALID"),
        ({"type": "STOP_LOSS"}, "STOP_LOSS_ORDER_PRICE_AND_DISTANCE_BOTH_MISSING"),
        ({"type": "STOP_LOSS", "price": "1", "distance": "1"}, "STOP_LOSS_ORDER_PRICE_AND_DISTANCE_BOTH_SPECIFIED"),
        ({"type": "STOP_LOSS", "distance": "0"}, "PRICE_DISTANCE_INVALID"),
        ({"type": "STOP_LOSS", "distance": "1.5"}, "PRICE_DISTANCE_MAXIMUM_EXCEEDED"),
        ({"type": "STOP_LOSS", "price": "1.05", "guaranteed": True}, "STOP_LOSS_ORDER_GUARANTEED_NOT_ALLOWED"),
        ({"type": "TRAILING_STOP_LOSS"}, "PRICE_DISTANCE_MISSING"),
        ({"type": "TRAILING_STOP_LOSS", "distance": "0.00001"}, "PRICE_DISTANCE_MINIMUM_NOT_MET"),
        ({"type": "TRAILING_STOP_LOSS", "distance": "0.000011"}, "PRICE_DISTANCE_PRECISION_EXCEEDED"),
    ],
)
def test_an_order_of_a_trade_is_refused_too(ask: OandaAsker, terms: dict[str, Any], reason: str) -> None:
    trade = ask.open(tradeClientExtensions={"id": "mine"})
    assert ask.no(**{"instrument": None, "units": None, "tradeID": trade} | terms) == reason


@pytest.mark.parametrize("kind", ["TAKE_PROFIT", "STOP_LOSS", "TRAILING_STOP_LOSS"])
def test_a_trade_has_one_dependent_order_of_each_kind(ask: OandaAsker, kind: str) -> None:
    ask.open(tradeClientExtensions={"id": "mine"})
    terms = {"type": kind, "instrument": None, "units": None, "clientTradeID": "mine"}
    terms |= (
        {"distance": "0.05"} if kind == "TRAILING_STOP_LOSS" else {"price": "1.2" if kind == "TAKE_PROFIT" else "1"}
    )
    ask.place(**terms)
    assert ask.no(**terms) == f"{kind}_ORDER_ALREADY_EXISTS"


def test_client_ids_are_unique_among_what_is_open(ask: OandaAsker) -> None:
    ask.place(**LIMIT, clientExtensions={"id": "a"})
    assert ask.no(**LIMIT, clientExtensions={"id": "a"}) == "CLIENT_ORDER_ID_ALREADY_EXISTS"
    ask("PUT", "./orders/@a/cancel")
    ask.place(**LIMIT, clientExtensions={"id": "a"})
    ask.open(tradeClientExtensions={"id": "t"})
    again = ask.place(tradeClientExtensions={"id": "t"})
    assert again["orderCancelTransaction"]["reason"] == "CLIENT_TRADE_ID_ALREADY_EXISTS"
    taken = ask.place(stopLossOnFill={"price": "1", "clientExtensions": {"id": "a"}})
    assert taken["orderCancelTransaction"]["reason"] == "STOP_LOSS_ON_FILL_CLIENT_ORDER_ID_ALREADY_EXISTS"


def test_there_is_an_end_to_pending_orders(ask: OandaAsker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(info, "PENDING_MAX", 1)
    ask.place(**LIMIT)
    assert ask.no(**LIMIT) == "PENDING_ORDERS_ALLOWED_EXCEEDED"


def test_a_price_nobody_knows_is_a_reason(new_oanda: Callable[..., OandaAsker]) -> None:
    ask = new_oanda()
    ask.venue.market.instruments.pop("USD/CHF")
    assert ask.no(instrument="USD_CHF") == "INSTRUMENT_PRICE_UNKNOWN"


def test_the_control_door_brings_about_any_refusal_once(ask: OandaAsker) -> None:
    for reason in sorted(info.REJECT_REASONS):
        ask.hand("/rejects", reason=reason)
        assert ask.no() == reason
    assert "orderFillTransaction" in ask.place()


def test_the_control_door_brings_about_any_cancel_of_a_fill(ask: OandaAsker) -> None:
    for reason in sorted(info.CANCEL_REASONS):
        ask.hand("/cancels", reason=reason)
        assert ask.place()["orderCancelTransaction"]["reason"] == reason
    assert "orderFillTransaction" in ask.place()


def test_the_lists_are_those_of_the_specification(contracts_dir: Path) -> None:
    definitions = json.loads((contracts_dir / "oanda" / "v20.openapi2.json").read_text("utf-8"))["definitions"]
    assert set(definitions["TransactionRejectReason"]["enum"]) == info.REJECT_REASONS
    assert set(definitions["OrderCancelReason"]["enum"]) == info.CANCEL_REASONS
    assert set(definitions["TransactionFilter"]["enum"]) <= info.FILTERS


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/rejects", {"reason": "BECAUSE"}),
        ("/rejects", {"reason": "UNITS_INVALID", "count": 0}),
        ("/cancels", {"reason": "UNITS_INVALID"}),
        ("/halts", {"instrument": "EUR_XXX", "halted": True}),
        ("/halts", {"instrument": "EUR_USD", "halted": "yes"}),
        ("/liquidity", {"instrument": "EUR_USD", "units": "-1"}),
        ("/transfers", {"amount": "0"}),
        ("/financing", {"trade": "9", "amount": "1"}),
        ("/account", {"hedging": 1}),
        ("/account", {"guaranteed": "MAYBE"}),
    ],
)
def test_a_hand_that_cannot_be_played_is_named(ask: OandaAsker, path: str, body: Any) -> None:
    status, problem = ask.door("POST", path, body)
    assert status in {404, 422}
    assert problem["field"] in body


def test_what_cannot_be_read_is_no_transaction(ask: OandaAsker) -> None:
    for order in (
        {"type": "WISH"}, {"units": "ten"}, {"units": "NaN"}, {"units": True}, {"units": "1e3"}, {"clientExtensions": "x"},
        {"gtdTime": "soon"}, {"takeProfitOnFill": []},
    ):  # fmt: skip
        status, body = ask.refused("POST", "./orders", {"order": {"type": "MARKET", "instrument": "EUR_USD", **order}})
        assert (status, set(body)) == (400, {"errorMessage"})
    for raw in (b"", b"{", b"[]", b"null", b"\xff", b'{"order":1}', b"{}", b"[" * 50_000):
        assert ask.refused("POST", "./orders", raw)[0] == 400
    assert ask.summary()["lastTransactionID"] == "2"
