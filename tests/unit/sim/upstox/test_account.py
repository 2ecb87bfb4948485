"""Login, money, positions, holdings, addresses, the kill switch."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from floorbroker_sim.upstox.rest.charges import charges_of, of_order
from floorbroker_sim.upstox.rest.listing import shares
from tests.unit.sim.upstox.conftest import BOMBAY, NIFTY, RELIANCE

if TYPE_CHECKING:
    from tests.unit.sim.upstox.conftest import UpstoxAsker

NIGHT_S = 17 * 3600  # from half past ten to half past three


def form(ask: UpstoxAsker, **changes: str) -> dict[str, str]:
    keys = ask.venue.keys
    return {
        "client_id": keys.client_id, "client_secret": keys.client_secret, "redirect_uri": "https://app.example/back?x=1",
        "grant_type": "authorization_code",
    } | changes  # fmt: skip


def code(ask: UpstoxAsker, **changes: str) -> str:
    reply = ask.raw("POST", "/v2/login/authorization/dialog", urlencode(form(ask, **changes)).encode())
    assert reply.status == 302
    return parse_qs(urlsplit(reply.headers["location"]).query)["code"][0]


def token(ask: UpstoxAsker, **fields: str) -> Any:
    return ask("POST", "/v2/login/authorization/token", urlencode(form(ask, **fields)).encode())


# --- Login -------------------------------------------------------------------------------------------------------------


def test_the_dialog_shows_no_markup_of_strangers(ask: UpstoxAsker) -> None:
    query = form(ask) | {"state": '"><script>'}
    page = ask.raw("GET", "/v2/login/authorization/dialog", **query).body
    assert b"<script>" not in page
    assert b"&quot;&gt;&lt;script&gt;" in page


def test_a_code_becomes_a_token_once_and_keeps_the_query_of_its_address(ask: UpstoxAsker) -> None:
    reply = ask.raw("POST", "/v2/login/authorization/dialog", urlencode(form(ask) | {"state": "s 1"}).encode())
    back = parse_qs(urlsplit(reply.headers["location"]).query)
    assert (back["x"], back["state"]) == (["1"], ["s 1"])
    answer = token(ask, code=back["code"][0])
    ask.headers["authorization"] = f"Bearer {answer['access_token']}"
    assert ask.data("GET", "/v2/user/profile")["user_id"] == answer["user_id"]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"client_id": "x"}, (401, "UDAPI100068")),
        ({"client_secret": "x"}, (401, "UDAPI100016")),
        ({"code": "x"}, (401, "UDAPI100069")),
        ({"redirect_uri": "https://other.example/"}, (401, "UDAPI100069")),
        ({"grant_type": "password"}, (400, "UDAPI100036")),
    ],
)
def test_a_wrong_login_is_told_by_code(ask: UpstoxAsker, changes: dict[str, str], wanted: tuple[int, str]) -> None:
    body = urlencode(form(ask) | {"code": code(ask)} | changes).encode()
    assert ask.refused("POST", "/v2/login/authorization/token", body) == wanted


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://x/", "", "https://[", "https://a\r\nset-cookie: x"])
def test_the_dialog_leads_to_addresses_of_the_web_alone(ask: UpstoxAsker, address: str) -> None:
    body = urlencode(form(ask, redirect_uri=address)).encode()
    assert ask.refused("POST", "/v2/login/authorization/dialog", body) == (401, "UDAPI100068")


def test_a_code_ends_after_ten_minutes(ask: UpstoxAsker) -> None:
    late = code(ask)
    ask.advance(601)
    assert (
        ask.refused("POST", "/v2/login/authorization/token", urlencode(form(ask) | {"code": late}).encode())[0] == 401
    )


def test_tokens_end_at_half_past_three(ask: UpstoxAsker) -> None:
    ask.advance(NIGHT_S - 1)
    ask.data("GET", "/v2/user/profile")
    ask.login()  # issued a second before
    ask.data("GET", "/v2/user/profile")
    ask.advance(1)
    assert ask.refused("GET", "/v2/user/profile") == (401, "UDAPI100050")


def test_the_first_token_may_be_told_to_outlive_the_night(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(tokens_end=False)
    ask.advance(2 * NIGHT_S)
    ask.data("GET", "/v2/user/profile")
    ask.login()
    ask.advance(2 * NIGHT_S)
    assert ask.refused("GET", "/v2/user/profile") == (401, "UDAPI100050")


def test_an_extended_token_reads_and_does_no_more(ask: UpstoxAsker) -> None:
    extended = token(ask, code=code(ask))["extended_token"]
    ask.advance(NIGHT_S)
    ask.headers["authorization"] = f"Bearer {extended}"
    assert ask.data("GET", "/v2/order/retrieve-all") == []
    assert ask.refused("POST", "/v3/order/place", ask.wish()) == (403, "UDAPI100067")


def test_a_logout_ends_the_token(ask: UpstoxAsker) -> None:
    assert ask.data("DELETE", "/v2/logout") is True
    assert ask.refused("GET", "/v2/user/profile") == (401, "UDAPI100050")


def test_a_token_may_be_asked_of_the_users_own_app(ask: UpstoxAsker) -> None:
    path = f"/v3/login/auth/token/request/{ask.venue.keys.client_id}"
    answer = ask.data("POST", path, {"client_secret": ask.venue.keys.client_secret})
    assert answer["authorization_expiry"].isdigit()
    assert ask.refused("POST", path, {"client_secret": "x"}) == (401, "UDAPI100016")


# --- Money and positions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("product", "tied_up"), [("D", 14_001), ("I", Decimal("2800.2")), ("MTF", Decimal("4200.3"))])
def test_each_product_ties_up_its_part(ask: UpstoxAsker, product: str, tied_up: Decimal) -> None:
    ask.market(product=product)
    funds = ask.data("GET", "/v3/user/get-funds-and-margin")["available_to_trade"]["cash_available_to_trade"]
    assert funds["margin_used"]["total"] - funds["margin_used"]["loss"]["total"] == tied_up


def test_an_open_order_reserves_and_gives_back(ask: UpstoxAsker) -> None:
    order_id = ask.place()
    assert ask.funds() == 88_000
    ask.cancel(order_id)
    assert ask.funds() == 100_000


def test_a_closed_position_stays_for_the_day_with_its_profit(ask: UpstoxAsker) -> None:
    ask.market(product="I")
    ask.price("1410.00", "1410.20")
    ask.market(product="I", transaction_type="SELL")
    position = ask.position("I")
    assert (position["quantity"], position["realised"], position["pnl"]) == (0, 99, 99)
    assert ask.door("GET", "/positions")[1] == []


def test_a_short_position_is_negative_and_its_average_is_what_was_got(ask: UpstoxAsker) -> None:
    ask.market(product="I", transaction_type="SELL")
    position = ask.position("I")
    assert (position["quantity"], position["average_price"]) == (-10, Decimal("1399.9"))
    assert position["unrealised"] == -1


def test_positions_change_their_product(ask: UpstoxAsker) -> None:
    ask.market(product="I")
    body = {
        "instrument_token": RELIANCE, "new_product": "D", "old_product": "I", "transaction_type": "BUY", "quantity": 4
    }  # fmt: skip
    assert ask.data("PUT", "/v2/portfolio/convert-position", body) == {"status": "complete"}
    assert (ask.position("I")["quantity"], ask.position("D")["quantity"]) == (6, 4)
    assert ask.refused("PUT", "/v2/portfolio/convert-position", body | {"quantity": 7}) == (400, "UDAPI1035")
    assert ask.refused("PUT", "/v2/portfolio/convert-position", body | {"quantity": 0}) == (400, "UDAPI1052")


def test_units_carried_over_change_their_product_at_what_they_cost(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    put = contract(ask, "PE")["instrument_key"]
    ask.price("9.95", "10.00", symbol_of(ask, put))
    ask.market(instrument_token=put, quantity=750)
    ask.advance(3 * 86_400)
    ask.login()
    ask.price("19.95", "20.00", symbol_of(ask, put))
    ask.market(instrument_token=put, quantity=1500)
    body = {
        "instrument_token": put, "new_product": "I", "old_product": "D", "transaction_type": "BUY", "quantity": 2250
    }  # fmt: skip
    ask.data("PUT", "/v2/portfolio/convert-position", body)
    left, moved = ask.position("D"), ask.position("I")
    assert (left["quantity"], left["day_buy_value"], left["overnight_buy_amount"]) == (0, 0, 0)
    assert (moved["quantity"], moved["day_buy_value"]) == (2250, 750 * 10 + 1500 * 20)


def test_shares_move_to_the_holdings_and_are_sold_from_there(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    ask.market()
    before = ask.funds()
    ask.advance(86_400)
    ask.login()
    (holding,) = ask.data("GET", "/v2/portfolio/long-term-holdings")
    assert (holding["quantity"], holding["t1_quantity"], holding["average_price"]) == (10, 10, Decimal("1400.1"))
    assert ask.data("GET", "/v2/portfolio/short-term-positions") == []
    assert ask.data("GET", "/v2/order/retrieve-all") == []
    assert ask.funds() == before
    ask.advance(86_400 * 2)  # over a holiday
    ask.login()
    ask.market(transaction_type="SELL", instrument_token=BOMBAY, quantity=4)
    ask.market(transaction_type="SELL", quantity=5)
    (holding,) = ask.data("GET", "/v2/portfolio/long-term-holdings")
    assert (holding["quantity"], holding["cnc_used_quantity"], holding["t1_quantity"]) == (10, 5, 0)
    assert ask.order(ask.market(transaction_type="SELL", quantity=6))["status"] == "rejected"
    ask.advance(86_400)
    ask.login()
    (holding,) = ask.data("GET", "/v2/portfolio/long-term-holdings")
    assert holding["quantity"] == 1


def test_charges_are_billed_when_the_day_is_over(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    ask.market(product="I")
    ask.market(product="I", transaction_type="SELL")
    unpaid = ask.data("GET", "/v3/user/get-funds-and-margin")["available_to_trade"]["cash_available_to_trade"]["cash"]
    ask.advance(86_400)
    ask.login()
    assert ask.funds() == 100_000 - 2 - unpaid["unpaid_charges"]


def test_charges_follow_the_published_rates() -> None:
    reliance = next(one for one in shares() if one.symbol == "RELIANCE.NSE")
    delivery = charges_of(reliance, quantity=10, price=Decimal(1400), product="D", side="BUY")
    assert (delivery.brokerage, delivery.stt, delivery.stamp, delivery.transaction) == (
        14,
        14,
        Decimal("2.1"),
        Decimal("0.42"),
    )
    assert delivery.gst == Decimal("2.60")
    intraday = charges_of(reliance, quantity=100, price=Decimal(1400), product="I", side="SELL")
    assert (intraday.brokerage, intraday.stt, intraday.stamp) == (20, 35, 0)


# --- Options -----------------------------------------------------------------------------------------------------------


def contract(ask: UpstoxAsker, kind: str) -> Any:
    found = ask.data("GET", "/v2/option/contract", instrument_key="NSE_EQ|INE062A01020")
    return next(one for one in found if one["instrument_type"] == kind)


def symbol_of(ask: UpstoxAsker, key: str) -> str:
    return ask.venue.state.listings.by_key[key].symbol


def test_a_long_put_costs_its_premium_and_settles_in_money(ask: UpstoxAsker) -> None:
    put = contract(ask, "PE")
    key = put["instrument_key"]
    ask.price("9.95", "10.00", symbol_of(ask, key))
    ask.market(instrument_token=key, quantity=750)
    assert ask.position()["average_price"] == 10
    assert ask.order(ask.market(instrument_token=key, quantity=700))["status"] == "rejected"
    strike = int(put["strike_price"])
    ask.price(f"{strike - 20}", f"{strike - 20}", "SBIN.NSE")
    ask.advance(40 * 86_400)
    assert ask.door("GET", "/positions")[1] == []
    ask.login()
    assert (ask.position()["quantity"], ask.position()["realised"]) == (0, 7500)
    assert ask.refused("POST", "/v3/order/place", ask.wish(instrument_token=key)) == (400, "UDAPI100011")


def test_a_written_option_ties_up_span_and_exposure(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(cash=Decimal(1_000_000))
    ask.price("880", "880", "SBIN.NSE")
    call = contract(ask, "CE")["instrument_key"]
    ask.market(instrument_token=call, quantity=750, transaction_type="SELL")
    equity = ask.data("GET", "/v2/user/get-funds-and-margin")["equity"]
    assert (equity["span_margin"], equity["exposure_margin"]) == (66_000, 23_100)


def test_contracts_of_a_new_week_are_listed_when_it_comes(ask: UpstoxAsker) -> None:
    first = {one["expiry"] for one in ask.data("GET", "/v2/option/contract", instrument_key=NIFTY)}
    ask.advance(15 * 86_400)
    ask.login()
    later = {one["expiry"] for one in ask.data("GET", "/v2/option/contract", instrument_key=NIFTY)}
    assert later - first
    assert min(later) > min(first)


# --- Addresses and the kill switch -------------------------------------------------------------------------------------


def test_orders_come_from_registered_addresses(ask: UpstoxAsker) -> None:
    assert ask.door("POST", "/rules", {"address": "10.0.0.9"})[0] == 204
    assert ask.refused("POST", "/v3/order/place", ask.wish()) == (403, "UDAPI1154")
    assert ask.data("GET", "/v2/order/retrieve-all") == []
    answer = ask.data("PUT", "/v2/user/ip", {"primary_ip": "10.0.0.9", "secondary_ip": "::1"})
    assert answer["access_tokens_invalidated"] is True
    assert ask.refused("GET", "/v2/user/profile") == (401, "UDAPI100050")
    ask.login()
    assert ask.order(ask.place())["status"] == "open"
    assert ask.refused("PUT", "/v2/user/ip", {"primary_ip": "10.0.0.8"}) == (400, "UDAPI1185")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, "UDAPI1182"),
        ({"primary_ip": "x"}, "UDAPI1183"),
        ({"primary_ip": "1.1.1.1", "secondary_ip": "1.1.1.1"}, "UDAPI1184"),
    ],
)
def test_addresses_that_are_none_are_refused(ask: UpstoxAsker, body: dict[str, str], wanted: str) -> None:
    assert ask.refused("PUT", "/v2/user/ip", body) == (400, wanted)


def test_the_kill_switch_cancels_blocks_and_rests(ask: UpstoxAsker) -> None:
    order_id = ask.place()
    (row,) = ask.data("POST", "/v2/user/kill-switch", [{"segment": "NSE_EQ", "action": "DISABLE"}])
    assert row["kill_switch_enabled"] is True
    assert ask.order(order_id)["status"] == "cancelled"
    assert ask.order(ask.place())["status"] == "rejected"
    assert ask.order(ask.place(instrument_token=BOMBAY))["status"] == "open"
    back = [{"segment": "NSE_EQ", "action": "ENABLE"}]
    assert ask.refused("POST", "/v2/user/kill-switch", back) == (400, "UDAPI1185")
    ask.advance(12 * 3600)
    ask.data("POST", "/v2/user/kill-switch", back)
    assert ask.order(ask.place())["status"] == "open"


@pytest.mark.parametrize(
    ("segment", "action", "wanted"),
    [("NYSE", "DISABLE", "UDAPI1186"), ("NSE_EQ", "STOP", "UDAPI1188"), ("NSE_EQ", "DISABLE", "UDAPI1184")],
)
def test_a_kill_switch_that_cannot_be_is_refused_whole(
    ask: UpstoxAsker, segment: str, action: str, wanted: str
) -> None:
    ask.market()
    body = [{"segment": "NSE_FO", "action": "DISABLE"}, {"segment": segment, "action": action}]
    assert ask.refused("POST", "/v2/user/kill-switch", body) == (400, wanted)
    assert not any(one["kill_switch_enabled"] for one in ask.data("GET", "/v2/user/kill-switch"))


def test_market_orders_and_algorithms_follow_the_rules_of_the_door(ask: UpstoxAsker) -> None:
    assert ask.door("POST", "/rules", {"market_orders": False, "algo": "mine"})[0] == 204
    assert ask.refused("POST", "/v3/order/place", ask.wish(order_type="MARKET")) == (400, "UDAPI1158")
    ask.headers["x-algo-name"] = "other"
    assert ask.refused("POST", "/v3/order/place", ask.wish()) == (400, "UDAPI1156")
    ask.headers["x-algo-name"] = "mine"
    assert ask.order(ask.place())["status"] == "open"
    for body in ({"market_orders": "no"}, {"address": "x"}, {"kind": "x"}):
        assert ask.door("POST", "/rules", body)[0] == 422
    assert ask.door("POST", "/tokens", {"kind": "x"})[0] == 422


def test_closing_orders_reserve_nothing_and_what_goes_beyond_does(ask: UpstoxAsker) -> None:
    ask.market(product="I")
    before = ask.funds()
    first = ask.place(product="I", transaction_type="SELL", price=1500, quantity=6)
    assert ask.funds() == before
    ask.place(product="I", transaction_type="SELL", price=1500, quantity=6)
    assert ask.funds() == before - 2 * 1500 * Decimal("0.2")
    ask.cancel(first)
    assert ask.funds() == before


def test_brokerage_is_paid_once_for_an_order_however_often_it_fills(ask: UpstoxAsker) -> None:
    whole, parts = ask.place(price=1100), ask.place(price=1100)
    ask.fill(whole, "10", "1100")
    one = ask.venue.state.unpaid
    for _ in range(10):
        ask.fill(parts, "1", "1100")
    assert ask.venue.state.unpaid == 2 * one


@pytest.mark.parametrize("seed", range(4))
def test_over_days_of_trading_every_rupee_is_accounted_for(new_upstox: Callable[..., UpstoxAsker], seed: int) -> None:
    """Money at the end is money at the beginning, what was sold less what was bought, and the charges; nothing is held."""
    ask, random = new_upstox(calendar=True, cash=Decimal(1_000_000)), Random(seed)
    state = ask.venue.state
    billed = Decimal(0)
    for day in (86_400, 2 * 86_400, 86_400):
        for _ in range(12):
            middle = random.randrange(1350, 1450)
            ask.price(f"{middle}", f"{middle}.2")
            ask.market(
                product=random.choice("DI"), transaction_type=random.choice(["BUY", "SELL"]), quantity=random.randrange(1, 20)
            )  # fmt: skip
        billed += state.unpaid
        before = len(state.deals)
        ask.advance(day)
        billed += sum((of_order(one.execution.order) for one in state.deals[before:]), Decimal(0))
        ask.login()
    held = state.holdings.get("INE002A01018")
    if held is not None:
        ask.market(transaction_type="SELL", quantity=held.quantity)
        billed += state.unpaid
        ask.advance(3 * 86_400)
    assert state.holdings == {}
    assert state.positions == {}
    traded = sum(
        (-one.execution.order.terms.sign * one.execution.quantity * one.execution.price for one in state.deals),
        Decimal(0),
    )
    assert abs(state.cash - (1_000_000 + traded - billed)) < Decimal("0.0001")
    assert abs(state.ledger.cash - (1_000_000 + traded)) < Decimal("0.0001")
