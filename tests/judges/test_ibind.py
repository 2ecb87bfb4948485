"""The community's client of the Web API, unmodified, against our simulator over TCP and TLS."""

# The client leaves most of its answers untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportArgumentType=false, reportMissingTypeStubs=false, reportCallIssue=false, reportOptionalSubscript=false
# pyright: reportGeneralTypeIssues=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportOptionalIterable=false

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

pytest.importorskip("ibind", reason="ibind is not installed")

from ibind import IbkrClient, IbkrWsClient, events
from ibind.client.ibkr_utils import OrderRequest, QuestionType
from ibind.ibkr_ws.ibkr_subscriptions import (
    AccountLedgerSubscription,
    AccountSummarySubscription,
    MarketDataSubscription,
    MarketHistorySubscription,
    OrdersSubscription,
    PnlSubscription,
    PriceLadderSubscription,
    TradesSubscription,
)
from ibind.support.errors import ExternalBrokerError
from ibind.ws.ws_sinks import EventSink

pytestmark = pytest.mark.judge
AAPL = 265598
YES = {
    QuestionType.MARKET_ORDER_CONFIRMATION: True,
    QuestionType.STOP_ORDER_RISKS: True,
    QuestionType.PRICE_PERCENTAGE_CONSTRAINT: True,
    QuestionType.TRIGGER_AND_FILL: True,
    QuestionType.ORDER_SIZE_LIMIT: True,
    QuestionType.ORDER_VALUE_LIMIT: True,
    QuestionType.CASH_QUANTITY_ORDER: True,
    QuestionType.MISSING_MARKET_DATA: True,
}


class Sim:
    """One simulator process behind its own certificate."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "ibkr-web", "--rate", "0", "--tls"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.account: str = self.line["credentials"]["BROKER_ACCOUNT_NUMBER"]

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        door = HTTPConnection(self.line["control"].removeprefix("http://"), timeout=10)
        try:
            door.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            text = door.getresponse().read()
        finally:
            door.close()
        return json.loads(text) if text else None

    def price(self, symbol: str, bid: str, ask: str, last: str | None = None) -> None:
        self.control("/price", {"symbol": symbol, "bid": bid, "ask": ask} | ({"last": last} if last else {}))

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
    server.control("/reset", {})
    server.price("AAPL", "149.99", "150.01", "150")
    return server


@pytest.fixture
def client(sim: Sim) -> Iterator[IbkrClient]:
    """A client that trusts the printed authority alone, in a session in which accounts were asked for."""
    found = IbkrClient(
        url=f"{sim.line['rest']}/v1/api/", account_id=sim.account, cacert=sim.line["ca"], auto_register_shutdown=False
    )
    found.receive_brokerage_accounts()
    yield found
    found.close()


def until(condition: Callable[[], object]) -> None:
    """Wait for a thread of the client, ten seconds at most."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within ten seconds")


def wish(sim: Sim, **changes: Any) -> OrderRequest:
    """A limit buy of ten that rests, changed by `changes`."""
    base: dict[str, Any] = {
        "conid": AAPL, "side": "BUY", "quantity": 10.0, "order_type": "LMT", "price": 145.0, "tif": "GTC", "acct_id": sim.account,
    }  # fmt: skip
    return OrderRequest(**{**base, **changes})


def place(client: IbkrClient, *orders: OrderRequest) -> Any:
    return client.place_order(list(orders), YES).data


def rows(client: IbkrClient, **query: Any) -> dict[int, Any]:
    answer = client.live_orders(**query).data
    if not answer["snapshot"]:
        answer = client.live_orders(**query).data
    return {row["orderId"]: row for row in answer["orders"]}


# --- Session and accounts --------------------------------------------------------------------------------------------


def test_the_session_is_healthy_until_somebody_takes_it(sim: Sim, client: IbkrClient) -> None:
    assert client.check_health()
    assert client.check_auth_status()
    assert client.validate().data["RESULT"] is True
    sim.control("/session", {"do": "take_over"})
    assert not client.check_auth_status()
    with pytest.raises(ExternalBrokerError, match="no bridge"):
        client.receive_brokerage_accounts()
    assert client.initialize_brokerage_session().data["authenticated"] is True
    assert client.check_health()


def test_a_logout_ends_everything_until_the_next_login(sim: Sim, client: IbkrClient) -> None:
    assert client.logout().data == {"status": True}
    assert not client.check_health()
    sim.control("/session", {"do": "login"})
    assert client.check_health()


def test_accounts_and_money(sim: Sim, client: IbkrClient) -> None:
    assert client.receive_brokerage_accounts().data["accounts"] == [sim.account]
    assert client.switch_account(sim.account).data["set"] is True
    assert [row["accountId"] for row in client.portfolio_accounts().data] == [sim.account]
    assert client.get_ledger().data["USD"]["cashbalance"] == 100_000
    assert client.portfolio_summary().data["netliquidation"]["amount"] == 100_000
    assert client.account_summary().data["netLiquidationValue"] == 100_000
    assert client.account_profit_and_loss().data["upnl"][f"{sim.account}.Core"]["nl"] == 100_000
    assert client.portfolio_account_information().data["currency"] == "USD"
    assert client.portfolio_account_allocation().data["assetClass"]["long"]["CASH"] == 100_000


# --- Contracts and prices --------------------------------------------------------------------------------------------


def test_contracts_are_found_by_symbol_by_number_and_along_the_chain(client: IbkrClient) -> None:
    assert client.stock_conid_by_symbol("AAPL").data == {"AAPL": AAPL}
    (found,) = client.search_contract_by_symbol("AAPL").data
    month = found["sections"][1]["months"].split(";")[0]
    strike = client.search_strikes_by_conid(str(AAPL), "OPT", month).data["put"][0]
    (option, *_) = client.search_secdef_info_by_conid(str(AAPL), "OPT", month, strike=str(strike), right="P").data
    assert (option["symbol"], option["right"]) == ("AAPL", "P")
    assert client.contract_information_by_conid(str(option["conid"])).data["right"] == "PUT"
    assert client.security_definition_by_conid(str(AAPL)).data["secdef"][0]["ticker"] == "AAPL"
    assert "limit" in client.search_contract_rules(str(AAPL)).data["orderTypes"]


def test_a_chain_is_walked_by_month_strike_by_strike_or_in_one_go(sim: Sim, client: IbkrClient) -> None:
    """From the share to quotes of every contract of a month, as the client's own example goes along it, and by strike 0."""
    (found,) = client.search_contract_by_symbol("AAPL").data
    days, (options,) = found["opt"].split(";"), [one for one in found["sections"] if one["secType"] == "OPT"]
    month = options["months"].split(";")[1]
    strikes = client.search_strikes_by_conid(str(AAPL), "OPT", month).data
    assert strikes["call"] == strikes["put"]
    walked = [
        row
        for right, side in (("C", "call"), ("P", "put"))
        for strike in strikes[side]
        for row in client.search_secdef_info_by_conid(str(AAPL), "OPT", month, strike=str(strike), right=right).data
    ]
    assert {(row["strike"], row["right"]) for row in walked} == {
        (one, right) for one in strikes["put"] for right in "CP"
    }
    assert {row["maturityDate"] for row in walked} <= set(days)
    whole = [
        row
        for right in "CP"
        for row in client.search_secdef_info_by_conid(str(AAPL), "OPT", month, strike="0", right=right).data
    ]
    assert sorted(row["conid"] for row in whole) == sorted(row["conid"] for row in walked)
    conids = [str(row["conid"]) for row in whole[:20]]
    client.live_marketdata_snapshot(conids, ["84", "86"])
    quoted = client.live_marketdata_snapshot(conids, ["84", "86"]).data
    assert [str(row["conid"]) for row in quoted] == conids
    assert all(float(row["84"]) < float(row["86"]) for row in quoted if "84" in row)
    assert client.marketdata_unsubscribe(conids[:1])[conids[0]].data == {"success": True}
    sim.control("/chains", {"whole": False})
    assert client.search_secdef_info_by_conid(str(AAPL), "OPT", month, strike="0", right="P").data == []


def test_prices_come_with_the_second_snapshot(client: IbkrClient) -> None:
    fields = ["31", "84", "86"]
    (first,) = client.live_marketdata_snapshot([str(AAPL)], fields).data
    assert "84" not in first
    (second,) = client.live_marketdata_snapshot([str(AAPL)], fields).data
    assert (second["31"], second["84"], second["86"]) == ("150.00", "149.99", "150.01")
    client.marketdata_unsubscribe(str(AAPL))
    assert client.marketdata_unsubscribe_all().data == {"unsubscribed": True}


def test_history_in_bars(client: IbkrClient) -> None:
    answer = client.marketdata_history_by_conid(str(AAPL), bar="1d", period="1w").data
    assert answer["barLength"] == 86_400
    assert all(bar["l"] <= bar["o"] <= bar["h"] for bar in answer["data"])
    assert answer["data"]


# --- Orders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "Submitted"),
        ({"order_type": "MKT", "price": None, "tif": "DAY"}, "Filled"),
        ({"order_type": "STP", "price": 160.0}, "PreSubmitted"),
        ({"order_type": "STOP_LIMIT", "price": 161.0, "aux_price": 160.0}, "PreSubmitted"),
        ({"order_type": "TRAIL", "price": None, "trailing_amt": 2.0, "trailing_type": "amt"}, "PreSubmitted"),
        ({"order_type": "TRAIL", "price": None, "trailing_amt": 2.0, "trailing_type": "%"}, "PreSubmitted"),
        ({"order_type": "MIT", "price": 140.0}, "PreSubmitted"),
        ({"order_type": "LIT", "price": 140.0, "aux_price": 141.0}, "PreSubmitted"),
        ({"tif": "IOC"}, "Cancelled"),
        ({"price": 170.0}, "Filled"),
        ({"quantity": None, "cash_qty": 1500.1, "order_type": "MKT", "price": None, "tif": "DAY"}, "Filled"),
    ],
)
def test_each_kind_of_order(sim: Sim, client: IbkrClient, changes: dict[str, Any], status: str) -> None:
    placed = place(client, wish(sim, coid="mine", **changes))
    answer = client.order_status(placed["order_id"]).data
    assert (answer["order_status"], answer["order_ref"]) == (status, "mine")
    assert rows(client)[int(placed["order_id"])]["order_ref"] == "mine"


def test_a_bracket_from_its_entry_to_its_exit(sim: Sim, client: IbkrClient) -> None:
    placed = place(
        client,
        wish(sim, coid="b-1"),
        wish(sim, parent_id="b-1", side="SELL", price=160.0),
        wish(sim, parent_id="b-1", side="SELL", order_type="STP", price=140.0),
    )
    entry, gain, loss = [row["order_id"] for row in placed]
    sim.price("AAPL", "144.98", "145.00")
    sim.price("AAPL", "160.00", "160.02", "160")
    found = [client.order_status(one).data["order_status"] for one in (entry, gain, loss)]
    assert found == ["Filled", "Filled", "Cancelled"]
    assert [(trade["side"], trade["size"]) for trade in client.trades().data] == [("S", 10), ("B", 10)]


def test_a_no_to_a_question_places_nothing(sim: Sim, client: IbkrClient) -> None:
    with pytest.raises(RuntimeError, match="positive reply"):
        client.place_order(wish(sim, price=170.0), {QuestionType.PRICE_PERCENTAGE_CONSTRAINT: False})
    assert sim.control("/orders") == []


def test_several_questions_are_answered_one_after_the_other(sim: Sim, client: IbkrClient) -> None:
    sim.control("/questions", {"ids": ["o354", "o163", "o383"], "orders": 1})
    assert place(client, wish(sim))["order_status"] == "Submitted"


def test_suppressed_questions_are_not_asked(sim: Sim, client: IbkrClient) -> None:
    client.suppress_messages(["o163"])
    assert client.place_order(wish(sim, price=170.0), {}).data["order_status"] == "Filled"
    client.reset_suppressed_messages()
    with pytest.raises(ValueError, match="No answer found"):
        client.place_order(wish(sim, price=170.0), {})


def test_a_client_id_is_taken_once(sim: Sim, client: IbkrClient) -> None:
    place(client, wish(sim, coid="once"))
    with pytest.raises(ExternalBrokerError, match="already registered"):
        place(client, wish(sim, coid="once"))


def test_a_refusal_comes_as_an_error(sim: Sim, client: IbkrClient) -> None:
    with pytest.raises(ExternalBrokerError, match="MUST EXCEED THE INITIAL"):
        place(client, wish(sim, quantity=90_000.0))


def test_modify_and_cancel(sim: Sim, client: IbkrClient) -> None:
    placed = place(client, wish(sim, coid="m"))["order_id"]
    changed = client.modify_order(placed, wish(sim, coid="m", price=146.0, quantity=12.0), YES).data
    assert changed["order_id"] == placed
    assert (rows(client)[int(placed)]["price"], rows(client)[int(placed)]["totalSize"]) == ("146.00", 12)
    assert client.cancel_order(placed).data["msg"] == "Request was submitted"
    assert client.order_status(placed).data["order_status"] == "Cancelled"
    assert rows(client, filters=["cancelled"]).keys() == {int(placed)}


def test_a_partial_fill_shows_in_orders_trades_and_positions(sim: Sim, client: IbkrClient) -> None:
    placed = place(client, wish(sim, coid="part"))["order_id"]
    sim.control("/fill", {"order": "part", "qty": "4", "price": "145"})
    assert rows(client)[int(placed)]["sizeAndFills"] == "4/10"
    (trade,) = client.trades().data
    assert (trade["order_ref"], trade["size"], trade["price"], trade["commission"]) == ("part", 4, "145.00", "1")
    client.portfolio_accounts()
    (position,) = client.positions().data
    assert (position["conid"], position["position"], position["avgPrice"]) == (AAPL, 4, 145)
    assert client.positions(page=1).data == []
    assert client.position_and_contract_info(str(AAPL)).data[sim.account][0]["position"] == 4


def test_what_if_places_nothing(sim: Sim, client: IbkrClient) -> None:
    answer = client.whatif_order(wish(sim)).data
    assert (answer["amount"]["commission"], answer["error"]) == ("1 USD", None)
    assert sim.control("/orders") == []


# --- The socket ------------------------------------------------------------------------------------------------------


class Ears(EventSink):
    """Keeps what the client hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def emit(self, event: Any) -> None:
        self.heard.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.heard if isinstance(event, kind)]


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def socket(sim: Sim, client: IbkrClient, ears: Ears) -> Iterator[IbkrWsClient]:
    url = f"{sim.line['ws']}/v1/api/ws"
    found = IbkrWsClient(account_id=sim.account, url=url, ibkr_client=client, cacert=sim.line["ca"], sink=ears)
    assert found.start()
    until(found.is_authenticated)
    yield found
    found.shutdown()


def test_every_topic_of_the_socket(sim: Sim, client: IbkrClient, socket: IbkrWsClient, ears: Ears) -> None:
    wanted = [
        OrdersSubscription(),
        TradesSubscription(),
        PnlSubscription(),
        MarketDataSubscription(conid=str(AAPL), fields=["31", "84", "86"]),
        MarketHistorySubscription(conid=str(AAPL), period="1d", bar="1hour", outside_rth=False),
        AccountSummarySubscription(account_id=sim.account),
        AccountLedgerSubscription(account_id=sim.account),
        PriceLadderSubscription(conid=str(AAPL), account_id=sim.account),
    ]
    for one in wanted:
        socket.subscribe(one)
    place(client, wish(sim, coid="heard", price=160.0))
    kinds = (
        events.Orders, events.Trades, events.Pnl, events.MarketData, events.MarketHistory, events.AccountSummary,
        events.AccountLedger, events.PriceLadder,
    )  # fmt: skip
    until(lambda: all(ears.of(kind) for kind in kinds))
    until(lambda: any("heard" in str(event.data) for event in ears.of(events.Trades)))
    assert not ears.of(events.IbkrError)
    assert socket.tic()["alive"] is True


def test_the_socket_hears_that_the_session_was_taken(sim: Sim, socket: IbkrWsClient, ears: Ears) -> None:
    sim.control("/session", {"do": "take_over"})
    until(lambda: any(event.competing for event in ears.of(events.AuthenticationStatus)))
