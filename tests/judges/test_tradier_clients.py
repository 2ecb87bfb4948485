"""uvatradier and lumiwealth-tradier, unmodified but for their addresses, against our simulator over TCP."""

# Both type their answers as data frames of anything, or not at all.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportOptionalSubscript=false, reportOptionalMemberAccess=false
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

import pytest

pytest.importorskip("lumiwealth_tradier", reason="lumiwealth-tradier is not installed")
pytest.importorskip("uvatradier", reason="uvatradier is not installed")

import uvatradier
import uvatradier.stream as uva_stream
from lumiwealth_tradier import Tradier
from lumiwealth_tradier.base import TradierApiError
from lumiwealth_tradier.orders import OrderLeg

pytestmark = pytest.mark.judge
CALL, HIGHER = "AAPL261218C00150000", "AAPL261218C00160000"


class Sim:
    """One simulator process, and both clients on it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "tradier", "--rate", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        credentials = self.line["credentials"]
        self.keys = (credentials["BROKER_ACCOUNT_NUMBER"], credentials["BROKER_API_KEY"])
        self.lumi = Tradier(*self.keys)
        for part in (self.lumi.account, self.lumi.market, self.lumi.orders):
            part.base_url = lambda: self.line["rest"]

    def uva(self, kind: Any) -> Any:
        """One of uvatradier's classes, with the address it has no argument for."""
        client = kind(*self.keys)
        client.BASE_URL, client.WEBSOCKET_URL = self.line["rest"], self.line["ws"]
        return client

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        door = HTTPConnection(self.line["control"].removeprefix("http://"), timeout=10)
        try:
            door.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            text = door.getresponse().read()
        finally:
            door.close()
        return json.loads(text) if text else None

    def price(self, bid: str, ask: str, symbol: str = "AAPL") -> None:
        self.control("/price", {"symbol": symbol, "bid": bid, "ask": ask})

    def fill(self, order_id: int, qty: str, price: str) -> None:
        self.control("/fill", {"order": str(order_id), "qty": qty, "price": price})

    def status(self, order_id: int) -> str:
        return str(self.lumi.orders.get_order(order_id)["status"].iloc[0])

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Sim]:
    sim = Sim()
    yield sim
    sim.close()


@pytest.fixture
def sim(server: Sim) -> Sim:
    """As on the first day, with prices set by hand."""
    server.control("/reset", {})
    server.price("149.99", "150.01")
    server.price("5.00", "5.10", CALL)
    server.price("1.90", "2.00", HIGHER)
    return server


# --- lumiwealth-tradier ------------------------------------------------------------------------------------------------


def test_lumi_reads_the_account_and_an_empty_list_of_everything(sim: Sim) -> None:
    profile = sim.lumi.account.get_user_profile()
    assert profile["account.account_number"].iloc[0] == sim.keys[0]
    assert sim.lumi.account.get_account_balance()["total_cash"].iloc[0] == 100_000
    assert sim.lumi.account.get_positions().empty
    assert sim.lumi.orders.get_orders().empty
    assert sim.lumi.account.get_gainloss() is None


@pytest.mark.parametrize(
    ("kind", "terms", "status"),
    [
        ("market", {}, "filled"),
        ("limit", {"limit_price": 100}, "open"),
        ("limit", {"limit_price": 151}, "filled"),
        ("stop", {"stop_price": 155}, "open"),
        ("stop_limit", {"stop_price": 155, "limit_price": 156}, "open"),
    ],
)
def test_lumi_places_each_type_of_share_order(sim: Sim, kind: str, terms: dict[str, float], status: str) -> None:
    placed = sim.lumi.orders.order("AAPL", "buy", 10, kind, tag="lumi-1", **terms)
    assert placed["status"] == "ok"
    order = sim.lumi.orders.get_order(placed["id"]).iloc[0]
    assert (order["status"], order["tag"], order["type"]) == (status, "lumi-1", kind)


def test_lumi_sees_a_partial_fill_a_change_and_a_cancel(sim: Sim) -> None:
    order_id = sim.lumi.orders.order("AAPL", "buy", 10, "limit", limit_price=100)["id"]
    sim.fill(order_id, "4", "100")
    assert sim.status(order_id) == "partially_filled"
    assert sim.lumi.orders.modify(order_id, limit_price=101)["id"] == order_id
    assert sim.lumi.orders.get_orders()["price"].iloc[0] == 101
    assert sim.lumi.orders.cancel(order_id) == {"id": order_id, "status": "ok"}
    assert sim.status(order_id) == "canceled"
    assert sim.lumi.orders.cancel(order_id) == {"id": order_id, "status": "ok"}
    assert sim.lumi.account.get_positions()["quantity"].iloc[0] == 4


def test_lumi_trades_an_option_and_a_spread(sim: Sim) -> None:
    order_id = sim.lumi.orders.order_option("AAPL", CALL, "buy_to_open", 1, "limit", limit_price=5.10)["id"]
    assert sim.status(order_id) == "filled"
    legs = [OrderLeg(CALL, "buy_to_open", 1), OrderLeg(HIGHER, "sell_to_open", 1)]
    spread = sim.lumi.orders.multileg_order("AAPL", "debit", "day", legs, price=3.20)["id"]
    assert sim.status(spread) == "filled"
    held = sim.lumi.account.get_positions(options=True).set_index("symbol")["quantity"]
    assert held.to_dict() == {CALL: 2.0, HIGHER: -1.0}


def test_lumi_brackets_an_entry(sim: Sim) -> None:
    entry = OrderLeg(stock_symbol="AAPL", side="buy", quantity=10, type="limit", price=150.01)
    profit = OrderLeg(stock_symbol="AAPL", side="sell", quantity=10, type="limit", price=160)
    loss = OrderLeg(stock_symbol="AAPL", side="sell", quantity=10, type="stop", stop=145)
    order_id = sim.lumi.orders.advanced_order("gtc", [entry, profit, loss], "otoco")["id"]
    assert [leg["status"] for leg in sim.lumi.orders.get_order(order_id)["leg"].iloc[0]] == ["filled", "open", "open"]
    sim.price("144.00", "144.02")
    assert [leg["status"] for leg in sim.lumi.orders.get_order(order_id)["leg"].iloc[0]] == [
        "filled",
        "canceled",
        "filled",
    ]
    gain = sim.lumi.account.get_gainloss()["gain_loss"].iloc[0]
    assert gain == pytest.approx(-60.1)


def test_lumi_reads_the_texts_of_errors(sim: Sim) -> None:
    with pytest.raises(TradierApiError, match="symbol is invalid: NOBODY"):
        sim.lumi.orders.order("NOBODY", "buy", 1, "market")
    order_id = sim.lumi.orders.order("AAPL", "buy", 100_000, "market")["id"]
    order = sim.lumi.orders.get_order(order_id).iloc[0]
    assert (order["status"], order["reason_description"]) == (
        "rejected",
        "You do not have enough buying power for this trade.",
    )


def test_lumi_reads_market_data(sim: Sim) -> None:
    market = sim.lumi.market
    assert market.get_last_price("AAPL") == 150
    assert set(market.get_quotes(["AAPL", "MSFT"]).index) == {"AAPL", "MSFT"}
    expirations = market.get_option_expirations("AAPL")
    first = expirations.index[0]
    chain = market.get_option_chains("AAPL", first, greeks=True)
    assert sorted(set(chain["strike"])) == market.get_option_strikes("AAPL", first) == expirations["strikes"].iloc[0]
    assert "greeks.delta" in chain
    assert market.get_option_symbol("AAPL", first, chain["strike"].iloc[0], "call") == chain["symbol"].iloc[0]
    assert market.get_clock()["state"] == "open"
    assert set(market.get_calendar(11, 2026)["status"]) == {"open", "closed"}
    assert "AAPL" in set(market.lookup_symbol("AA")["symbol"])
    history = market.get_historical_quotes("AAPL", start_date="2026-01-05", end_date="2026-01-09")
    assert len(history) == 5


# --- uvatradier ----------------------------------------------------------------------------------------------------------


def test_uva_reads_the_account(sim: Sim) -> None:
    account = sim.uva(uvatradier.Account)
    assert account.get_user_profile(is_sole_account=True)["account.account_number"] == sim.keys[0]
    assert account.get_account_balance()["margin.stock_buying_power"].iloc[0] == 200_000
    assert account.get_orders().empty
    assert account.get_positions().empty


def test_uva_places_share_orders_in_the_query(sim: Sim) -> None:
    orders = sim.uva(uvatradier.EquityOrder)
    order_id = orders.order("AAPL", "buy", 10, "market")["order"]["id"]
    resting = orders.order("AAPL", "sell", 10, "stop_limit", limit_price=139, stop_price=140)["order"]["id"]
    shown = sim.uva(uvatradier.Account).get_orders().set_index("id")["status"].to_dict()
    assert shown == {order_id: "filled", resting: "open"}
    assert sim.uva(uvatradier.Account).get_positions()["symbol"].tolist() == ["AAPL"]
    assert "errors" in orders.order("AAPL", "buy", "none", "market")


def test_uva_places_option_orders_and_spreads(sim: Sim) -> None:
    orders = sim.uva(uvatradier.OptionsOrder)
    assert orders.options_order(CALL, "market", "buy_to_open", 2)["order"]["status"] == "ok"
    assert orders.bull_call_spread("AAPL", CALL, 1, HIGHER, 1)["order"]["status"] == "ok"
    sides = ["sell_to_close", "buy_to_close"]
    orders.multileg_order([CALL, HIGHER], sides, [1, 1], "credit", limit_price=3.00)
    statuses = sim.uva(uvatradier.Account).get_orders()["status"].tolist()
    assert statuses == ["filled"] * 3
    assert sim.uva(uvatradier.Account).get_positions()["quantity"].tolist() == [2]
    assert len(sim.uva(uvatradier.Account).get_gainloss()) == 2


def test_uva_reads_quotes_chains_and_series(sim: Sim) -> None:
    quotes, options = sim.uva(uvatradier.Quotes), sim.uva(uvatradier.OptionsData)
    assert quotes.get_quote_day("AAPL", last_price=True) == 150
    assert quotes.get_quote_data(["AAPL", "IBM"])["symbol"].tolist() == ["AAPL", "IBM"]
    assert len(quotes.get_historical_quotes("AAPL", start_date="2026-01-05", end_date="2026-01-09")) == 5
    assert {"AAPL", "TSLA"} <= set(quotes.search_companies("inc")["symbol"])
    dates = options.get_expiry_dates("AAPL")
    assert len(options.get_chain_day("AAPL", dates[0], option_type="call")) == 11
    assert options.get_closest_expiry("AAPL", 7) in dates
    assert set(options.get_chain_day("AAPL", dates[0])["symbol"]) <= set(options.get_options_symbols("AAPL"))


def test_uva_streams_market_events(sim: Sim, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for TLS whatever the address is; that alone is turned off.  What it hears, it prints."""
    heard: list[str] = []
    connect = uva_stream.websockets.connect

    def plain(**wish: Any) -> Any:
        return connect(**(wish | {"ssl": None}))

    def note(text: str) -> None:
        heard.append(text)
        if text.startswith("Sending"):
            asyncio.get_running_loop().call_later(0.2, sim.price, "151.00", "151.02")
        if '"type":"quote"' in text:
            raise EOFError

    monkeypatch.setattr(uva_stream.websockets, "connect", plain)
    monkeypatch.setattr(uva_stream, "print", note, raising=False)
    with suppress(EOFError):
        asyncio.run(
            asyncio.wait_for(sim.uva(uvatradier.Stream).ws_market_connect(["AAPL"], ["quote"], False, True, False), 20)
        )
    quote = next(json.loads(text) for text in heard if text.startswith('{"type":"quote"'))
    assert quote["symbol"] == "AAPL"
