"""upstox-python-sdk, unmodified but for its addresses, against our simulator over TCP."""

# It types its models not at all.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownParameterType=false
# pyright: reportOptionalMemberAccess=false

from __future__ import annotations

import gzip
import json
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

pytest.importorskip("upstox_client", reason="upstox-python-sdk is not installed")

import upstox_client
from upstox_client.feeder import market_data_feeder_v3, portfolio_data_feeder
from upstox_client.rest import ApiException
from urllib3.exceptions import HTTPError

pytestmark = pytest.mark.judge
RELIANCE, SBIN, NIFTY = "NSE_EQ|INE002A01018", "NSE_EQ|INE062A01020", "NSE_INDEX|Nifty 50"
VERSION = "2.0"


class Sim:
    """One simulator process, and the client on it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "upstox", "--rate", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.credentials = self.line["credentials"]
        self.client = self.client_of(self.credentials["BROKER_PASSWORD"])
        self.orders = upstox_client.OrderApi(self.client)
        self.orders_v3 = upstox_client.OrderApiV3(self.client)
        self.portfolio = upstox_client.PortfolioApi(self.client)
        self.user = upstox_client.UserApi(self.client)

    def client_of(self, token: str, *, sandbox: bool = False) -> Any:
        settings = upstox_client.Configuration(sandbox=sandbox)
        settings.access_token = token
        settings.host = settings.order_host = self.line["rest"]
        return upstox_client.ApiClient(settings)

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return json.loads(
            self.http(self.line["control"], path, None if body is None else json.dumps(body))[1] or "null"
        )

    def http(self, base: str, path: str, body: str | None = None) -> tuple[int, bytes, dict[str, str]]:
        door = HTTPConnection(urlsplit(base).netloc, timeout=10)
        try:
            door.request("GET" if body is None else "POST", path, body)
            answer = door.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            door.close()

    def price(self, bid: str, ask: str, symbol: str = "RELIANCE.NSE") -> None:
        self.control("/price", {"symbol": symbol, "bid": bid, "ask": ask})

    def place(self, **fields: Any) -> str:
        wish: dict[str, Any] = {
            "quantity": 10, "product": "D", "validity": "DAY", "price": 1200.0, "tag": "judge", "instrument_token": RELIANCE,
            "order_type": "LIMIT", "transaction_type": "BUY", "disclosed_quantity": 0, "trigger_price": 0.0, "is_amo": False,
        }  # fmt: skip
        return self.orders_v3.place_order(upstox_client.PlaceOrderV3Request(**(wish | fields))).data.order_ids[0]

    def status(self, order_id: str) -> str:
        return self.orders.get_order_status(order_id=order_id).data.status

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
    server.price("1399.90", "1400.10")
    return server


def code_of(caught: pytest.ExceptionInfo[ApiException]) -> tuple[int, str]:
    return int(str(caught.value.status)), json.loads(caught.value.body or "{}")["errors"][0]["errorCode"]


# --- Login and account -------------------------------------------------------------------------------------------------


def test_a_login_in_the_browser_ends_in_a_token_that_works(sim: Sim) -> None:
    wish = {
        "response_type": "code", "client_id": sim.credentials["BROKER_API_KEY"], "redirect_uri": "http://127.0.0.1/back",
        "state": "s",
    }  # fmt: skip
    status, page, _ = sim.http(sim.line["rest"], f"/v2/login/authorization/dialog?{urlencode(wish)}")
    assert (status, b"<form" in page) == (200, True)
    status, _, headers = sim.http(sim.line["rest"], "/v2/login/authorization/dialog", urlencode(wish))
    back = parse_qs(urlsplit(headers["location"]).query)
    assert (status, back["state"]) == (302, ["s"])
    terms = {
        "code": back["code"][0], "client_id": wish["client_id"], "client_secret": sim.credentials["BROKER_SECRET_KEY"],
        "redirect_uri": wish["redirect_uri"], "grant_type": "authorization_code",
    }  # fmt: skip
    login = upstox_client.LoginApi(sim.client_of(""))
    token = login.token(VERSION, **terms)
    assert token.user_id == sim.credentials["BROKER_USERNAME"]
    fresh = sim.client_of(token.access_token)
    assert upstox_client.UserApi(fresh).get_profile(VERSION).data.broker == "UPSTOX"
    with pytest.raises(ApiException) as caught:
        login.token(VERSION, **terms)
    assert code_of(caught) == (401, "UDAPI100069")
    assert upstox_client.LoginApi(fresh).logout(VERSION).data is True
    with pytest.raises(ApiException) as caught:
        upstox_client.UserApi(fresh).get_profile(VERSION)
    assert code_of(caught) == (401, "UDAPI100050")


def test_the_account_has_money_and_nothing_else(sim: Sim) -> None:
    assert sim.user.get_user_fund_margin(VERSION).data["equity"].available_margin == 100_000
    funds = sim.user.get_user_fund_margin_v3()
    assert funds.data.available_to_trade.cash_available_to_trade.cash.opening_balance == 100_000
    assert sim.portfolio.get_positions(VERSION).data == []
    assert sim.portfolio.get_holdings(VERSION).data == []
    assert sim.portfolio.get_mtf_positions().data == []
    assert sim.orders.get_order_book(VERSION).data == []
    assert sim.user.get_user_ips().data.primary_ip == "127.0.0.1"


# --- Orders ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"order_type": "MARKET", "price": 0.0}, "complete"),
        ({}, "open"),
        ({"price": 1500.0}, "complete"),
        ({"order_type": "SL", "price": 1450.0, "trigger_price": 1440.0}, "trigger pending"),
        ({"order_type": "SL-M", "price": 0.0, "trigger_price": 1440.0}, "trigger pending"),
        ({"validity": "IOC"}, "cancelled"),
        ({"product": "I", "transaction_type": "SELL", "price": 1300.0}, "complete"),
        ({"product": "MTF", "quantity": 1, "order_type": "MARKET", "price": 0.0}, "complete"),
        ({"quantity": 1000}, "rejected"),
    ],
)
def test_each_kind_of_order(sim: Sim, fields: dict[str, Any], status: str) -> None:
    order_id = sim.place(**fields)
    order = sim.orders.get_order_status(order_id=order_id).data
    assert (order.status, order.tag, order.order_id) == (status, "judge", order_id)


def test_an_order_is_filled_in_part_changed_and_canceled(sim: Sim) -> None:
    order_id = sim.place()
    sim.control("/fill", {"order": order_id, "qty": "4", "price": "1200"})
    change = upstox_client.ModifyOrderRequest(
        quantity=12, validity="DAY", price=1201.0, order_id=order_id, order_type="LIMIT", disclosed_quantity=0, trigger_price=0
    )  # fmt: skip
    assert sim.orders_v3.modify_order(change).data.order_id == order_id
    assert sim.orders_v3.cancel_order(order_id).data.order_id == order_id
    history = sim.orders.get_order_details(VERSION, order_id=order_id).data
    assert [row.status for row in history][3:] == [
        "open", "open", "modify validation pending", "modify pending", "modified", "open", "cancel pending", "cancelled"
    ]  # fmt: skip
    assert [one.quantity for one in sim.orders.get_trades_by_order(order_id, VERSION).data] == [4]
    assert sim.portfolio.get_positions(VERSION).data[0].quantity == 4
    with pytest.raises(ApiException) as caught:
        sim.orders_v3.cancel_order(order_id)
    assert code_of(caught) == (400, "UDAPI100040")


def test_the_older_calls_place_change_and_cancel(sim: Sim) -> None:
    wish = upstox_client.PlaceOrderRequest(
        quantity=1, product="D", validity="DAY", price=1200.0, tag="old", instrument_token=RELIANCE, order_type="LIMIT",
        transaction_type="BUY", disclosed_quantity=0, trigger_price=0.0, is_amo=False,
    )  # fmt: skip
    order_id = sim.orders.place_order(wish, VERSION).data.order_id
    change = upstox_client.ModifyOrderRequest(
        validity="DAY", price=1210.0, order_id=order_id, order_type="LIMIT", trigger_price=0.0
    )
    assert sim.orders.modify_order(change, VERSION).data.order_id == order_id
    assert sim.orders.cancel_order(order_id, VERSION).data.order_id == order_id
    assert sim.status(order_id) == "cancelled"


def test_several_orders_at_once_are_placed_canceled_and_closed(sim: Sim) -> None:
    wish = upstox_client.MultiOrderRequest(
        quantity=1, product="D", validity="DAY", price=1200.0, tag="many", slice=False, instrument_token=RELIANCE,
        order_type="LIMIT", transaction_type="BUY", disclosed_quantity=0, trigger_price=0.0, is_amo=False, correlation_id="1",
    )  # fmt: skip
    market = upstox_client.MultiOrderRequest(**{**wish.to_dict(), "order_type": "MARKET", "correlation_id": "2"})
    placed = sim.orders.place_multi_order([wish, market])
    assert (placed.status, placed.summary.success) == ("success", 2)
    assert sim.orders.cancel_multi_order(tag="many").data.order_ids == [placed.data[0].order_id]
    assert len(sim.orders.exit_positions().data.order_ids) == 1
    assert {one.status for one in sim.orders.get_order_book(VERSION).data} == {"complete", "cancelled"}
    with pytest.raises(ApiException) as caught:
        sim.orders.cancel_multi_order(tag="many")
    assert code_of(caught) == (400, "UDAPI1109")
    with pytest.raises(ApiException) as caught:
        sim.orders.exit_positions()
    assert code_of(caught) == (400, "UDAPI1111")


def test_a_gtt_order_enters_and_takes_its_profit(sim: Sim) -> None:
    rules = [
        upstox_client.GttRule(strategy="ENTRY", trigger_type="ABOVE", trigger_price=1410),
        upstox_client.GttRule(strategy="TARGET", trigger_type="IMMEDIATE", trigger_price=1450),
        upstox_client.GttRule(strategy="STOPLOSS", trigger_type="IMMEDIATE", trigger_price=1380, trailing_gap=5),
    ]
    wish = upstox_client.GttPlaceOrderRequest(
        type="MULTIPLE", quantity=1, product="D", rules=rules, instrument_token=RELIANCE, transaction_type="BUY"
    )
    gtt_id = sim.orders_v3.place_gtt_order(wish).data.gtt_order_ids[0]
    rules[0].trigger_price = 1420
    change = upstox_client.GttModifyOrderRequest(type="MULTIPLE", quantity=2, rules=rules, gtt_order_id=gtt_id)
    assert sim.orders_v3.modify_gtt_order(change).data.gtt_order_ids == [gtt_id]
    sim.price("1419.90", "1420.00")
    sim.price("1420.00", "1420.00")
    shown = sim.orders_v3.get_gtt_order_details(gtt_order_id=gtt_id).data[0]
    assert [rule.status for rule in shown.rules] == ["COMPLETED", "SCHEDULED", "SCHEDULED"]
    sim.price("1450.00", "1450.20")
    assert sim.orders_v3.get_gtt_order_details().data == []
    assert [one.transaction_type for one in sim.orders.get_trade_history(VERSION).data] == ["BUY", "SELL"]
    single = upstox_client.GttPlaceOrderRequest(
        type="SINGLE", quantity=1, product="D", rules=rules[:1], instrument_token=RELIANCE, transaction_type="SELL"
    )
    rules[0].trigger_price, rules[0].trigger_type = 1300, "BELOW"
    waiting = sim.orders_v3.place_gtt_order(single).data.gtt_order_ids[0]
    name = upstox_client.GttCancelOrderRequest(gtt_order_id=waiting)
    assert sim.orders_v3.cancel_gtt_order(name).data.gtt_order_ids == [waiting]


def test_a_long_put_is_bought_and_shown(sim: Sim) -> None:
    options = upstox_client.OptionsApi(sim.client)
    contracts = options.get_option_contracts(SBIN).data
    put = next(one for one in contracts if one.instrument_type == "PE")
    chain = options.get_put_call_option_chain(SBIN, put.expiry.strftime("%Y-%m-%d")).data
    assert put.instrument_key in {row.put_options.instrument_key for row in chain}
    order_id = sim.place(
        instrument_token=put.instrument_key, quantity=put.lot_size, order_type="MARKET", price=0.0, product="D"
    )
    assert sim.status(order_id) == "complete"
    assert sim.portfolio.get_positions(VERSION).data[0].exchange == "NFO"


def test_errors_carry_the_codes_of_the_venue(sim: Sim) -> None:
    with pytest.raises(ApiException) as caught:
        sim.place(quantity=0)
    assert code_of(caught) == (400, "UDAPI1052")
    with pytest.raises(ApiException) as caught:
        sim.place(instrument_token="NSE_EQ|INE000000000")
    assert code_of(caught) == (400, "UDAPI100011")
    with pytest.raises(ApiException) as caught:
        sim.orders.get_order_status(order_id="240925010636040")
    assert code_of(caught) == (404, "UDAPI100010")
    sim.control("/faults", {"faults": [{"where": "request", "what": "throttle"}]})
    with pytest.raises(ApiException) as caught:
        sim.user.get_profile(VERSION)
    assert code_of(caught) == (429, "UDAPI10005")


def test_an_order_whose_answer_was_lost_is_found_by_its_tag(sim: Sim) -> None:
    sim.control("/faults", {"faults": [{"where": "reply", "what": "cut", "match": {"path": "/v3/order/place"}}]})
    with pytest.raises(HTTPError):
        sim.place(tag="lost-1")
    sim.control("/faults", {"faults": []})
    found = sim.orders.get_order_details(VERSION, tag="lost-1").data
    assert (len({row.order_id for row in found}), found[-1].status) == (1, "open")


def test_the_sandbox_of_the_client_places_changes_and_cancels(sim: Sim, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sim.client_of(sim.control("/tokens", {"kind": "sandbox"})["token"], sandbox=True)
    monkeypatch.setattr(client.configuration, "order_host", sim.line["rest"])
    api = upstox_client.OrderApiV3(client)
    wish = upstox_client.PlaceOrderV3Request(
        quantity=1, product="D", validity="DAY", price=1200.0, instrument_token=RELIANCE, order_type="LIMIT",
        transaction_type="BUY", disclosed_quantity=0, trigger_price=0.0, is_amo=False,
    )  # fmt: skip
    order_id = api.place_order(wish).data.order_ids[0]
    assert api.cancel_order(order_id).data.order_id == order_id
    assert sim.orders.get_order_book(VERSION).data == []


# --- Reads -------------------------------------------------------------------------------------------------------------


def test_charges_margins_and_reports(sim: Sim) -> None:
    charges = upstox_client.ChargeApi(sim.client)
    cost = charges.get_brokerage(RELIANCE, 10, "D", "BUY", 1400.0, VERSION).data.charges
    assert cost.total == pytest.approx(cost.brokerage + cost.taxes.gst + cost.taxes.stt + cost.taxes.stamp_duty, abs=1)
    assert cost.other_taxes.transaction > 0
    item = upstox_client.Instrument(
        instrument_key=RELIANCE, quantity=10, product="I", transaction_type="BUY", price=1400.0
    )
    assert charges.post_margin(upstox_client.MarginRequest(instruments=[item])).data.required_margin == 2800
    for _ in range(3):
        sim.place(quantity=1, order_type="MARKET", price=0.0)
    trades = upstox_client.PostTradeApi(sim.client)
    pages = [trades.get_trades_by_date_range("2020-01-01", "2199-12-31", number, 2) for number in (1, 2)]
    assert [len(page.data) for page in pages] == [2, 1]
    assert (pages[0].meta_data.page.total_records, pages[0].meta_data.page.total_pages) == (3, 2)


def test_the_rest_of_the_reads_decode(sim: Sim) -> None:
    for side in ("BUY", "SELL"):
        sim.place(quantity=2, order_type="MARKET", price=0.0, product="I", transaction_type=side)
    reports = upstox_client.TradeProfitAndLossApi(sim.client)
    today = sim.control("/clock")["now"]
    first = int(today[2:4]) - (today[5:7] < "04")
    year = f"{first:02d}{first + 1:02d}"
    assert reports.get_trade_wise_profit_and_loss_meta_data("EQ", year, VERSION).data.trades_count == 1
    row = reports.get_trade_wise_profit_and_loss_data("EQ", year, 1, 10, VERSION).data[0]
    assert (row.quantity, row.buy_average, row.sell_average) == (2, 1400.1, 1399.9)
    assert reports.get_profit_and_loss_charges("EQ", year, VERSION).data.charges_breakdown.total > 0
    assert len(sim.user.get_kill_switch().data) == 8
    newer = upstox_client.MarketQuoteV3Api(sim.client)
    assert newer.get_full_market_quote_v3(instrument_key=RELIANCE).data["NSE_EQ:RELIANCE"].year_high > 0
    option = upstox_client.OptionsApi(sim.client).get_option_contracts(SBIN).data[0].instrument_key
    (greek,) = newer.get_market_quote_option_greek(instrument_key=option).data.values()
    assert greek.instrument_token == option
    older = upstox_client.HistoryApi(sim.client)
    assert older.get_historical_candle_data1(RELIANCE, "day", "2026-01-09", "2026-01-05", VERSION).data.candles
    wish = upstox_client.IndieUserTokenRequest(client_secret=sim.credentials["BROKER_SECRET_KEY"])
    login = upstox_client.LoginApi(sim.client)
    assert login.init_token_request_for_indie_user(wish, sim.credentials["BROKER_API_KEY"]).data.authorization_expiry


def test_a_position_changes_its_product(sim: Sim) -> None:
    sim.place(quantity=2, order_type="MARKET", price=0.0, product="I")
    move = upstox_client.ConvertPositionRequest(
        instrument_token=RELIANCE, new_product="D", old_product="I", transaction_type="BUY", quantity=2
    )
    assert sim.portfolio.convert_positions(move, VERSION).data.status == "complete"
    assert {one.product: one.quantity for one in sim.portfolio.get_positions(VERSION).data} == {"I": 0, "D": 2}


def test_quotes_candles_and_the_calendar(sim: Sim) -> None:
    quotes, history = upstox_client.MarketQuoteApi(sim.client), upstox_client.HistoryV3Api(sim.client)
    full = quotes.get_full_market_quote(RELIANCE, VERSION).data["NSE_EQ:RELIANCE"]
    assert (full.last_price, full.depth.buy[0].price, full.depth.sell[0].price) == (1400, 1399.9, 1400.1)
    assert quotes.ltp(f"{RELIANCE},{NIFTY}", VERSION).data["NSE_INDEX:NIFTY"].instrument_token == NIFTY
    newer = upstox_client.MarketQuoteV3Api(sim.client)
    assert newer.get_ltp(instrument_key=RELIANCE).data["NSE_EQ:RELIANCE"].last_price == 1400
    assert newer.get_market_quote_ohlc("1d", instrument_key=RELIANCE).data["NSE_EQ:RELIANCE"].live_ohlc.close == 1400
    candles = history.get_historical_candle_data1(RELIANCE, "days", "1", "2026-01-09", "2026-01-05").data.candles
    assert [row[0][:10] for row in candles] == [f"2026-01-{day:02d}" for day in (9, 8, 7, 6, 5)]
    assert history.get_intra_day_candle_data(RELIANCE, "minutes", "5").status == "success"
    hours = upstox_client.MarketHolidaysAndTimingsApi(sim.client)
    assert hours.get_market_status("NSE").data.status == "NORMAL_OPEN"
    assert hours.get_holiday("2026-01-26").data[0].description == "Republic Day"
    assert hours.get_exchange_timings("2026-01-27").data[0].exchange == "NSE"


def test_instruments_come_in_a_file_and_by_search(sim: Sim) -> None:
    status, packed, _ = sim.http(sim.line["rest"], "/market-quote/instruments/exchange/NSE.json.gz")
    rows = json.loads(gzip.decompress(packed))
    assert (status, RELIANCE in {row["instrument_key"] for row in rows}) == (200, True)
    found = upstox_client.InstrumentsApi(sim.client).search_instrument("RELIANCE", records=1)
    assert found.data[0]["trading_symbol"] == "RELIANCE"
    assert found.meta_data.page.total_records == 2


# --- Streams -----------------------------------------------------------------------------------------------------------


class Heard:
    """The messages of a streamer, and a way to wait for one that fits."""

    def __init__(self, streamer: Any) -> None:
        self.messages: queue.Queue[Any] = queue.Queue()
        self.streamer = streamer
        streamer.on("message", self.messages.put)
        streamer.connect()

    def until(self, fits: Callable[[Any], bool]) -> Any:
        while True:
            message = self.messages.get(timeout=10)
            if fits(message):
                return message

    def close(self) -> None:
        self.streamer.disconnect()


@pytest.fixture
def local(sim: Sim, monkeypatch: pytest.MonkeyPatch) -> Sim:
    """The addresses of the streams are constants of the client; those alone are turned to the simulator."""
    real = market_data_feeder_v3.websocket.WebSocketApp

    def app(url: str, *args: Any, **options: Any) -> Any:
        return real(url.replace("wss://api.upstox.com", sim.line["ws"]), *args, **options)

    for module in (market_data_feeder_v3, portfolio_data_feeder):
        monkeypatch.setattr(module.websocket, "WebSocketApp", app)
    return sim


def test_the_market_data_streamer_hears_every_mode(local: Sim) -> None:
    heard = Heard(upstox_client.MarketDataStreamerV3(local.client, [RELIANCE], "full"))
    try:
        first = heard.until(lambda message: message.get("type") == "market_info")
        assert first["marketInfo"]["segmentStatus"]["NSE_EQ"] == "NORMAL_OPEN"
        snapshot = heard.until(lambda message: "feeds" in message)["feeds"][RELIANCE]
        assert snapshot["fullFeed"]["marketFF"]["marketLevel"]["bidAskQuote"][0]["askP"] == 1400.1
        local.price("1401.00", "1401.20")
        live = heard.until(lambda message: message.get("type") == "live_feed")["feeds"][RELIANCE]
        assert (live["fullFeed"]["marketFF"]["ltpc"]["ltp"], live["requestMode"]) == (1401.1, "full_d5")
        heard.streamer.change_mode([RELIANCE], "ltpc")
        assert heard.until(lambda message: "ltpc" in message.get("feeds", {}).get(RELIANCE, {}))
        heard.streamer.subscribe([NIFTY], "full")
        assert heard.until(lambda message: NIFTY in message.get("feeds", {}))["feeds"][NIFTY]["fullFeed"]["indexFF"]
        option = upstox_client.OptionsApi(local.client).get_option_contracts(SBIN).data[0].instrument_key
        heard.streamer.subscribe([option], "option_greeks")
        greeks = heard.until(lambda message: option in message.get("feeds", {}))["feeds"][option][
            "firstLevelWithGreeks"
        ]
        assert set(greeks) >= {"ltpc", "firstDepth", "optionGreeks", "iv"}
    finally:
        heard.close()


def test_the_portfolio_streamer_hears_orders_positions_and_gtt_orders(local: Sim) -> None:
    streamer = upstox_client.PortfolioDataStreamer(
        local.client, order_update=True, position_update=True, holding_update=True, gtt_update=True
    )
    opened: queue.Queue[bool] = queue.Queue()
    streamer.on("open", lambda: opened.put(True))
    heard = Heard(streamer)
    try:
        opened.get(timeout=10)
        order_id = local.place(order_type="MARKET", price=0.0)
        done = heard.until(lambda text: '"complete"' in text)
        assert (json.loads(done)["order_id"], json.loads(done)["filled_quantity"]) == (order_id, 10)
        rule = upstox_client.GttRule(strategy="ENTRY", trigger_type="ABOVE", trigger_price=1500)
        local.orders_v3.place_gtt_order(
            upstox_client.GttPlaceOrderRequest(
                type="SINGLE", quantity=1, product="D", rules=[rule], instrument_token=RELIANCE, transaction_type="BUY"
            )
        )
        assert json.loads(heard.until(lambda text: '"gtt_order"' in text))["rules"][0]["status"] == "SCHEDULED"
        local.place(order_type="SL-M", price=0.0, trigger_price=1450.0)
        heard.until(lambda text: '"trigger pending"' in text)
        local.place(quantity=4, transaction_type="SELL", order_type="MARKET", price=0.0)
        assert json.loads(heard.until(lambda text: '"update_type":"position"' in text))["quantity"] == 6
    finally:
        heard.close()


def test_the_portfolio_streamer_comes_back_after_a_cut(local: Sim) -> None:
    streamer = upstox_client.PortfolioDataStreamer(local.client)
    opened: queue.Queue[bool] = queue.Queue()
    streamer.on("open", lambda: opened.put(True))
    heard = Heard(streamer)
    try:
        opened.get(timeout=10)
        local.control("/faults", {"faults": [{"where": "stream", "what": "cut", "when": {"nth": 1}}]})
        local.place()
        opened.get(timeout=10)
        order_id = local.place(order_type="MARKET", price=0.0)
        done = heard.until(lambda text: '"complete"' in text)
        assert json.loads(done)["order_id"] == order_id
    finally:
        heard.close()


def test_the_address_of_a_stream_works_once(local: Sim) -> None:
    api = upstox_client.WebsocketApi(local.client)
    address = api.get_portfolio_stream_feed_authorize(VERSION).data.authorized_redirect_uri
    websocket = market_data_feeder_v3.websocket
    websocket.create_connection(address, timeout=10).close()
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(address, timeout=10)
