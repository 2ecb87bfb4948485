"""A client that people use, unmodified, against our simulator over TCP: every order type, every history, both sockets."""

# The client types every answer as a plain dict or a union of everything.
# pyright: reportOptionalSubscript=false, reportArgumentType=false, reportIndexIssue=false, reportCallIssue=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

import pytest

pytest.importorskip("kraken.spot", reason="python-kraken-sdk is not installed")

from kraken.base_api import SpotClient
from kraken.exceptions import (
    KrakenInsufficientFundsError,
    KrakenInvalidAPIKeyError,
    KrakenInvalidArgumentsError,
    KrakenInvalidNonceError,
    KrakenInvalidSignatureError,
    KrakenOrderMinimumNotMetError,
    KrakenUnknownAssetError,
    KrakenUnknownOrderError,
)
from kraken.spot import Market, SpotOrderBookClient, SpotWSClient, Trade, User

pytestmark = pytest.mark.judge
UUID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"


def shut(client: SpotClient) -> None:
    """The client leaves its connections open when it is done with."""
    vars(client)["_SpotClient__session"].close()


class Sim:
    """One simulator process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "kraken", "--rate", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.keys = (self.line["credentials"]["BROKER_API_KEY"], self.line["credentials"]["BROKER_SECRET_KEY"])
        self.url: str = self.line["rest"]
        self.market = Market(url=self.url)
        self.trade = Trade(*self.keys, url=self.url)
        self.user = User(*self.keys, url=self.url)

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        door = HTTPConnection(self.line["control"].removeprefix("http://"), timeout=10)
        try:
            door.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            text = door.getresponse().read()
        finally:
            door.close()
        return json.loads(text) if text else None

    def price(self, bid: str, ask: str, last: str | None = None, symbol: str = "BTC/USD") -> None:
        self.control("/price", {"symbol": symbol, "bid": bid, "ask": ask} | ({"last": last} if last else {}))

    def order(self, kind: str, side: str, volume: str = "0.1", **terms: Any) -> str:
        return self.trade.create_order(kind, side, "XBTUSD", volume, **terms)["txid"][0]

    def look(self, txid: str) -> dict[str, Any]:
        return self.user.get_orders_info(txid, trades=True)[txid]

    def close(self) -> None:
        for client in (self.market, self.trade, self.user):
            shut(client)
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
    server.control("/reset", {})
    server.price("59999.9", "60000.1", "60000")
    return server


# --- Market data -----------------------------------------------------------------------------------------------------


def test_what_is_listed(sim: Sim) -> None:
    assert sim.market.get_system_status()["status"] == "online"
    assert sim.market.get_assets(assets=["XBT", "USD"])["XXBT"]["altname"] == "XBT"
    pairs = sim.market.get_asset_pairs(pair=["XBTUSD", "ETHUSD"])
    assert pairs["XXBTZUSD"]["wsname"] == "XBT/USD"
    assert len(sim.market.get_asset_pairs()) == 8


def test_prices(sim: Sim) -> None:
    assert sim.market.get_ticker(pair="XBTUSD")["XXBTZUSD"]["a"][0] == "60000.1"
    assert len(sim.market.get_ohlc(pair="XBTUSD", interval=60)["XXBTZUSD"]) == 720
    book = sim.market.get_order_book(pair="XBTUSD", count=25)["XXBTZUSD"]
    assert (len(book["asks"]), book["bids"][0][0]) == (25, "59999.9")
    trades = sim.market.get_recent_trades(pair="XBTUSD", count=5)
    assert len(trades["XXBTZUSD"]) == 5
    assert sim.market.get_recent_spreads(pair="XBTUSD")["XXBTZUSD"]


def test_an_unknown_pair_has_its_error(sim: Sim) -> None:
    with pytest.raises(KrakenUnknownAssetError):  # the client looks for the shorter text first
        sim.market.get_ticker(pair="FOOBAR")


# --- The account -----------------------------------------------------------------------------------------------------


def test_balances(sim: Sim) -> None:
    assert sim.user.get_account_balance()["ZUSD"] == "100000.0000"
    sim.order("limit", "buy", "1", price="50000")
    assert sim.user.get_balance("USD") == {"currency": "ZUSD", "balance": 100_000.0, "available_balance": 49_870.0}
    assert sim.user.get_balances()["ZUSD"]["hold_trade"] == "50130.0000"
    assert float(sim.user.get_trade_balance()["eb"]) > 100_000
    assert sim.user.get_open_positions() == []
    assert sim.user.get_trade_volume(pair=["XBTUSD"])["fees"]["XXBTZUSD"]["fee"] == "0.2600"


# --- Orders ----------------------------------------------------------------------------------------------------------


def test_a_market_order_fills(sim: Sim) -> None:
    order = sim.look(sim.order("market", "buy", "0.5"))
    assert (order["status"], order["vol_exec"], order["cost"]) == ("closed", "0.50000000", "30000.05000")
    [trade_id] = order["trades"]
    assert sim.user.get_trades_info(trade_id)[trade_id]["price"] == "60000.1"
    assert sim.user.get_trades_history()["count"] == 1


def test_a_limit_order_waits_and_fills(sim: Sim) -> None:
    txid = sim.order("limit", "buy", price=50000, cl_ord_id=UUID)
    assert sim.user.get_open_orders(cl_ord_id=UUID)["open"][txid]["status"] == "open"
    sim.price("49990", "49999.9")
    assert sim.look(txid)["status"] == "closed"
    assert set(sim.user.get_closed_orders(cl_ord_id=UUID)["closed"]) == {txid}


@pytest.mark.parametrize(
    ("order", "terms", "price", "filled_at"),
    [
        (("stop-loss", "sell"), {"price": 59000}, ("58998", "59000", "59000"), "58998.00000"),
        (("take-profit", "sell"), {"price": 61000}, ("61000", "61001", "61000"), "61000.00000"),
        (("stop-loss-limit", "buy"), {"price": 61000, "price2": 61010}, ("60999", "61000", "61000"), "61000.00000"),
        (("take-profit-limit", "buy"), {"price": 59000, "price2": 59010}, ("58999", "59000", "59000"), "59000.00000"),
        (("trailing-stop", "sell"), {"price": "+500"}, ("59499", "59500", "59500"), "59499.00000"),
        (
            ("trailing-stop-limit", "sell"),
            {"price": "+500", "price2": "-5"},
            ("59499", "59500", "59500"),
            "59499.00000",
        ),
    ],
)
def test_triggers(
    sim: Sim, order: tuple[str, str], terms: dict[str, Any], price: tuple[str, str, str], filled_at: str
) -> None:
    txid = sim.order(*order, trigger="last", **terms)
    assert sim.look(txid)["status"] == "open"
    sim.price(*price)
    found = sim.look(txid)
    assert (found["status"], found["price"]) == ("closed", filled_at)


def test_icebergs_flags_and_times(sim: Sim) -> None:
    assert sim.look(sim.order("iceberg", "buy", "1.5", price=50000, displayvol="0.1"))["displayvol"] == "0.10000000"
    assert sim.look(sim.order("limit", "buy", price=50000, oflags=["post", "fcib"]))["oflags"] == "post,fcib"
    assert sim.look(sim.order("limit", "buy", price=60001, oflags="post"))["reason"] == "Post only order"
    assert sim.look(sim.order("limit", "buy", price=40000, timeinforce="IOC"))["status"] == "canceled"
    gone = sim.order("limit", "buy", price=40000, timeinforce="GTD", expiretm="+30")
    later = sim.order("limit", "buy", price=40000, starttm="+30")
    assert sim.look(later)["status"] == "pending"
    sim.control("/clock", {"advance_s": 31})
    assert (sim.look(gone)["status"], sim.look(later)["status"]) == ("expired", "open")


def test_a_conditional_close(sim: Sim) -> None:
    sim.order("market", "buy", close_ordertype="limit", close_price=65000)
    [order] = sim.user.get_open_orders()["open"].values()
    assert order["descr"]["order"] == "sell 0.10000000 XBTUSD @ limit 65000.0"


def test_validate_and_deadline(sim: Sim) -> None:
    deadline = (datetime.now(UTC) + timedelta(seconds=20)).isoformat().replace("+00:00", "Z")
    answer = sim.trade.create_order("limit", "buy", "XBTUSD", 1, price=50000, validate=True, deadline=deadline)
    assert "txid" not in answer
    assert sim.user.get_open_orders() == {"open": {}}


def test_amend_edit_and_their_traces(sim: Sim) -> None:
    txid = sim.order("limit", "buy", "1", price=50000)
    sim.trade.amend_order(txid=txid, order_qty="0.8", limit_price="51000", post_only=True)
    assert [row["amend_type"] for row in sim.user.get_order_amends(txid)["amends"]] == ["original", "user"]
    answer = sim.trade.edit_order(txid, "XBTUSD", volume="0.5", price="52000", oflags=["post"])
    assert answer["originaltxid"] == txid
    assert sim.look(answer["txid"])["descr"]["price"] == "52000.0"
    assert sim.look(txid)["status"] == "canceled"


def test_cancels(sim: Sim) -> None:
    first, second, third = (sim.order("limit", "buy", price=50000, userref=n) for n in (1, 2, 2))
    assert sim.trade.cancel_order(txid=first)["count"] == 1
    assert sim.trade.cancel_order_batch([second, third])["count"] == 2
    sim.order("limit", "buy", price=50000, cl_ord_id=UUID)
    assert sim.trade.cancel_order(cl_ord_id=UUID)["count"] == 1
    sim.order("limit", "buy", price=50000)
    assert sim.trade.cancel_all_orders()["count"] == 1
    sim.order("limit", "buy", price=50000)
    assert sim.trade.cancel_all_orders_after_x(30)["triggerTime"]
    sim.control("/clock", {"advance_s": 31})
    assert sim.user.get_open_orders() == {"open": {}}


def test_a_batch(sim: Sim) -> None:
    orders = [{"ordertype": "limit", "type": "buy", "price": str(price), "volume": "0.1"} for price in (50000, 51000)]
    answer = sim.trade.create_order_batch(orders, "XBTUSD")["orders"]
    assert set(sim.user.get_open_orders()["open"]) == {row["txid"] for row in answer}


def test_histories_come_in_pages(sim: Sim) -> None:
    made = [sim.order("market", "buy", "0.001") for _ in range(60)]
    pages = [sim.user.get_closed_orders(ofs=ofs) for ofs in (0, 50)]
    assert [txid for page in pages for txid in page["closed"]] == made[::-1]
    trades = [sim.user.get_trades_history(ofs=ofs, ledgers=True) for ofs in (0, 50)]
    assert [len(page["trades"]) for page in trades] == [50, 10]
    lines = [name for page in trades for trade in page["trades"].values() for name in trade["ledgers"]]
    assert len(set(lines)) == 120
    assert sim.user.get_ledgers_info(asset=["XBT"], type_="trade")["count"] == 60
    assert len(sim.user.get_ledgers(id_=lines[:20])) == 20


@contextmanager
def closing(client: User) -> Iterator[User]:
    try:
        yield client
    finally:
        shut(client)


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"volume": "50"}, KrakenInsufficientFundsError),
        ({"volume": "0.00001"}, KrakenOrderMinimumNotMetError),
        ({"pair": "FOOBAR"}, KrakenUnknownAssetError),
        ({"ordertype": "magic"}, KrakenInvalidArgumentsError),
    ],
)
def test_refused_orders_raise_their_error(sim: Sim, terms: dict[str, str], error: type[Exception]) -> None:
    wish: dict[str, Any] = {"ordertype": "limit", "side": "buy", "pair": "XBTUSD", "volume": "1", "price": "50000"}
    with pytest.raises(error):
        sim.trade.create_order(**wish | terms)


def test_unknown_orders_and_wrong_credentials(sim: Sim) -> None:
    with pytest.raises(KrakenUnknownOrderError):
        sim.trade.cancel_order(txid="OABCDE-FGHIJ-KLMNOP")
    with closing(User("wrong", sim.keys[1], url=sim.url)) as user, pytest.raises(KrakenInvalidAPIKeyError):
        user.get_account_balance()
    with closing(User(sim.keys[0], "U0VDUkVU", url=sim.url)) as user, pytest.raises(KrakenInvalidSignatureError):
        user.get_account_balance()
    with closing(User(*sim.keys, url=sim.url)) as user:
        nonce = user.get_nonce()
        user.get_nonce = lambda: nonce  # a clock that stands
        user.get_account_balance()
        with pytest.raises(KrakenInvalidNonceError):
            user.get_account_balance()


# --- Sockets ---------------------------------------------------------------------------------------------------------


class Heard:
    """What a client's callback was told."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    async def __call__(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    def rows(self, channel: str) -> list[dict[str, Any]]:
        return [row for m in self.messages if m.get("channel") == channel for row in m["data"]]

    def answers(self, method: str) -> list[dict[str, Any]]:
        return [m for m in self.messages if m.get("method") == method]

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for something heard, fifteen seconds at most."""
        for _ in range(750):
            if found := condition():
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"not heard among {self.messages[-5:]}")


@asynccontextmanager
async def connected(sim: Sim, *, private: bool) -> AsyncIterator[tuple[SpotWSClient, Heard]]:
    heard = Heard()
    keys = sim.keys if private else ("", "")
    client = SpotWSClient(
        *keys,
        callback=heard,
        no_public=private,
        rest_url=sim.url,
        ws_url=sim.line["data_ws"],
        auth_ws_url=sim.line["ws"],
    )
    await client.start()
    try:
        await heard.until(lambda: heard.rows("status"))
        yield client, heard
    finally:
        await client.close()


@pytest.mark.asyncio
async def test_the_public_socket(sim: Sim) -> None:
    async with connected(sim, private=False) as (client, heard):
        await client.subscribe({"channel": "book", "depth": 10, "symbol": ["BTC/USD", "FOO/BAR"]}, req_id=5)
        await client.subscribe({"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo"})
        await client.subscribe({"channel": "trade", "symbol": ["BTC/USD"], "snapshot": True})
        await client.subscribe({"channel": "ohlc", "interval": 5, "symbol": ["BTC/USD"]})
        await client.subscribe({"channel": "instrument"})
        await heard.until(lambda: len(heard.answers("subscribe")) == 6)
        assert sum(answer["success"] for answer in heard.answers("subscribe")) == 5
        await heard.until(lambda: len(client.active_public_subscriptions) == 5)
        sim.price("64000.1", "64000.2", "64000.1")
        await heard.until(lambda: any(row["last"] == 64000.1 for row in heard.rows("ticker")))
        await heard.until(lambda: any(row["price"] == 64000.1 for row in heard.rows("trade")))
        await heard.until(lambda: any(row["close"] == 64000.1 for row in heard.rows("ohlc")))
        await heard.until(lambda: heard.answers("pong"))
        await client.unsubscribe({"channel": "book", "depth": 10, "symbol": ["BTC/USD"]})
        await heard.until(lambda: heard.answers("unsubscribe"))
        await heard.until(lambda: any(m.get("channel") == "heartbeat" for m in heard.messages))
        assert len(client.active_public_subscriptions) == 4


@pytest.mark.asyncio
async def test_the_clients_own_order_book_agrees_with_our_checksums(sim: Sim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SpotClient, "URL", sim.url)
    monkeypatch.setattr(SpotOrderBookClient, "WS_URL", sim.line["data_ws"])
    seen: list[Any] = []

    async def callback(pair: str, message: dict[str, Any]) -> None:
        seen.append(message)

    client = SpotOrderBookClient(depth=25, callback=callback)
    await client.start()
    try:
        await client.add_book(["BTC/USD", "DOGE/USD"])
        heard = Heard()
        await heard.until(lambda: len(seen) > 12)
        assert not any("error" in message for message in seen)
        assert all(client.get(pair)["valid"] for pair in ("BTC/USD", "DOGE/USD"))
        assert next(iter(client.get("BTC/USD")["bid"])) == "59999.9"
        sim.control("/book", {"symbol": "BTC/USD", "what": "checksum"})
        await heard.until(lambda: any("error" in message for message in seen))
    finally:
        await client.close()


@pytest.mark.asyncio
async def test_an_orders_whole_life_on_the_private_socket(sim: Sim) -> None:
    async with connected(sim, private=True) as (client, heard):
        await client.subscribe({"channel": "executions", "snap_orders": True, "snap_trades": True})
        await client.subscribe({"channel": "balances"})
        await heard.until(lambda: len(heard.answers("subscribe")) == 2)
        await heard.until(lambda: heard.rows("balances"))
        wish = {"order_type": "limit", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.5, "limit_price": 50000.0}
        await client.send_message({"method": "add_order", "params": {**wish, "cl_ord_id": UUID}, "req_id": 1})
        [added] = await heard.until(lambda: heard.answers("add_order"))
        txid = added["result"]["order_id"]
        await client.send_message({"method": "amend_order", "params": {"order_id": txid, "order_qty": 0.4}})
        await heard.until(lambda: heard.answers("amend_order"))
        sim.control("/fill", {"order": UUID, "qty": "0.1", "price": "50000"})
        sim.control("/fill", {"order": UUID, "qty": "0.3", "price": "49999"})
        await heard.until(lambda: any(row["exec_type"] == "filled" for row in heard.rows("executions")))
        told = [row["exec_type"] for row in heard.rows("executions")]
        assert told == ["pending_new", "new", "amended", "trade", "trade", "filled"]
        assert sum(row["last_qty"] for row in heard.rows("executions") if "last_qty" in row) == 0.4
        numbers = [m["sequence"] for m in heard.messages if m.get("channel") == "executions"]
        assert numbers == list(range(1, len(numbers) + 1))
        await heard.until(lambda: sum(row.get("ref_id", "").startswith("T") for row in heard.rows("balances")) == 4)


@pytest.mark.asyncio
async def test_every_command_of_the_private_socket(sim: Sim) -> None:
    async with connected(sim, private=True) as (client, heard):

        async def ask(method: str, **params: Any) -> Any:
            before = len(heard.answers(method))
            await client.send_message({"method": method, "params": params, "req_id": before + 1})
            await heard.until(lambda: len(heard.answers(method)) > before)
            return heard.answers(method)[-1]

        await client.subscribe({"channel": "balances"})  # keeps the line talking, so that the client notices its end
        order = {"order_type": "limit", "side": "buy", "order_qty": 0.1, "limit_price": 50000.0}
        first = await ask("add_order", symbol="BTC/USD", **order)
        edited = await ask("edit_order", order_id=first["result"]["order_id"], symbol="BTC/USD", limit_price=51000.0)
        assert edited["result"]["original_order_id"] == first["result"]["order_id"]
        canceled = await ask("cancel_order", order_id=[edited["result"]["order_id"]])
        assert canceled["success"]
        batch = await ask("batch_add", symbol="BTC/USD", orders=[order, order])
        assert (await ask("batch_cancel", orders=[row["order_id"] for row in batch["result"]]))["result"]["count"] == 2
        stop = {
            "order_type": "stop-loss",
            "side": "sell",
            "order_qty": 0.1,
            "triggers": {"price": 50000, "reference": "index"},
        }
        assert (await ask("add_order", symbol="BTC/USD", **stop))["success"]
        assert (await ask("cancel_all"))["result"]["count"] == 1
        assert (await ask("cancel_all_orders_after", timeout=30))["result"]["triggerTime"]
        assert (await ask("cancel_order", order_id=["OABCDE-FGHIJ-KLMNOP"]))["error"] == "EOrder:Unknown order"
        refused = await ask("add_order", symbol="BTC/USD", **order | {"order_qty": 100})
        assert refused["error"] == "EOrder:Insufficient funds"
