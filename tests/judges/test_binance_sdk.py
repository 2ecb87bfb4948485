"""`binance-sdk-spot`, the venue's own client, unmodified, against our simulator over TCP: every answer meets its models."""

# The client's models have every member optional, and its enums are one class for each argument.
# pyright: reportArgumentType=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false, reportOptionalIterable=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOptionalOperand=false, reportGeneralTypeIssues=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("binance_sdk_spot", reason="binance-sdk-spot is not installed")

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError, Error, RateLimitBanError, TooManyRequestsError, UnauthorizedError
from binance_sdk_spot.rest_api.models import enums
from binance_sdk_spot.rest_api.rest_api import SpotRestAPI
from binance_sdk_spot.spot import Spot
from binance_sdk_spot.websocket_api.models import enums as socket_enums
from binance_sdk_spot.websocket_streams.models import enums as stream_enums
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.judges.binance_process import Sim

pytestmark = pytest.mark.judge
BTC = "BTCUSDT"


@pytest.fixture(scope="module")
def server() -> Iterator[Sim]:
    sim = Sim()
    yield sim
    sim.close()


@pytest.fixture
def sim(server: Sim) -> Sim:
    return server.fresh()


def rest_of(sim: Sim, **options: Any) -> SpotRestAPI:
    keys = {"api_key": sim.key, "api_secret": sim.secret} | options
    return Spot(ConfigurationRestAPI(base_path=sim.rest, timeout=10_000, retries=0, **keys)).rest_api


@pytest.fixture
def client(sim: Sim) -> Iterator[SpotRestAPI]:
    made = rest_of(sim)
    yield made
    made._session.close()  # noqa: SLF001 - it has no way to close


def limit(client: SpotRestAPI, **fields: Any) -> Any:
    wish = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": 50000}
    wish |= fields
    wish["side"], wish["type"] = enums.NewOrderSideEnum(wish["side"]), enums.NewOrderTypeEnum(wish["type"])
    if wish["time_in_force"] is not None:
        wish["time_in_force"] = enums.NewOrderTimeInForceEnum(wish["time_in_force"])
    if "new_order_resp_type" in wish:
        wish["new_order_resp_type"] = enums.NewOrderNewOrderRespTypeEnum(wish["new_order_resp_type"])
    return client.new_order(**wish).data()


def refused(kind: type[Error], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


# --- The market ------------------------------------------------------------------------------------------------------


def test_market_data_meets_its_models(client: SpotRestAPI) -> None:
    assert client.time().data().server_time > 0
    rules = client.exchange_info(symbol=BTC)
    (line,) = rules.data().symbols
    assert (line.base_asset, line.quote_asset, line.oco_allowed) == ("BTC", "USDT", True)
    assert {found.actual_instance.filter_type for found in line.filters} >= {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL"}
    assert rules.rate_limits
    assert client.depth(BTC, limit=5).data().bids[0][0] == "59999.00000000"
    assert len(client.get_trades(BTC, limit=3).data()) == 3
    assert len(client.agg_trades(BTC, limit=3).data()) == 3
    assert len(client.historical_trades(BTC, limit=3).data()) == 3
    assert len(client.klines(BTC, enums.KlinesIntervalEnum.INTERVAL_1m, limit=3).data()) == 3
    assert client.avg_price(BTC).data().mins == 5
    assert client.ticker24hr(symbol=BTC).data().actual_instance.last_price == "60000.00000000"
    assert client.ticker_price(symbol=BTC).data().actual_instance.price == "60000.00000000"
    assert client.ticker_book_ticker(symbol=BTC).data().actual_instance.ask_price == "60001.00000000"
    assert client.ticker(symbol=BTC).data().actual_instance.symbol == BTC
    assert client.ticker_trading_day(symbol=BTC).data().actual_instance.symbol == BTC
    assert client.execution_rules(symbol=BTC).data().symbol_rules is not None
    assert "reference price" in refused(BadRequestError, lambda: client.reference_price(BTC))


# --- The account -----------------------------------------------------------------------------------------------------


def test_the_account_meets_its_models(client: SpotRestAPI) -> None:
    account = client.get_account().data()
    held = {line.asset: line.free for line in account.balances}
    assert held["USDT"] == "100000.00000000"
    assert account.permissions == ["SPOT"]
    assert client.account_commission(BTC).data().standard_commission.taker == "0.00100000"
    assert client.rate_limit_order().data()[0].count == 0
    assert client.my_allocations(BTC).data() == []
    assert client.my_filters(BTC).data().symbol_filters


# --- Orders ----------------------------------------------------------------------------------------------------------


def test_a_market_order_and_its_trade(client: SpotRestAPI) -> None:
    placed = limit(client, type="MARKET", time_in_force=None, price=None)
    assert (placed.status, placed.fills[0].price) == ("FILLED", "60001.00000000")
    (trade,) = client.my_trades(BTC).data()
    assert (trade.order_id, trade.is_maker, trade.commission) == (placed.order_id, False, "0.00001000")


def test_a_limit_order_lives_and_is_canceled(client: SpotRestAPI) -> None:
    placed = limit(client, new_client_order_id="mine-1")
    assert client.get_order(BTC, orig_client_order_id="mine-1").data().order_id == placed.order_id
    assert [o.order_id for o in client.get_open_orders().data()] == [placed.order_id]
    gone = client.delete_order(BTC, order_id=placed.order_id, new_client_order_id="cancel-1").data()
    assert (gone.status, gone.orig_client_order_id, gone.client_order_id) == ("CANCELED", "mine-1", "cancel-1")
    assert [o.status for o in client.all_orders(BTC).data()] == ["CANCELED"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("LIMIT_MAKER", {"price": 59000, "time_in_force": None}),
        ("STOP_LOSS", {"side": "SELL", "stop_price": 58000, "price": None, "time_in_force": None}),
        ("STOP_LOSS_LIMIT", {"side": "SELL", "stop_price": 58000, "price": 57900}),
        ("TAKE_PROFIT", {"side": "SELL", "stop_price": 62000, "price": None, "time_in_force": None}),
        ("TAKE_PROFIT_LIMIT", {"side": "SELL", "stop_price": 62000, "price": 62100}),
        ("STOP_LOSS", {"side": "SELL", "trailing_delta": 100, "price": None, "time_in_force": None}),
        ("LIMIT", {"quantity": 1, "iceberg_qty": 0.1}),
    ],
)
def test_every_type_that_rests(client: SpotRestAPI, kind: str, fields: dict[str, Any]) -> None:
    placed = limit(client, type=kind, new_order_resp_type="RESULT", **fields)
    assert (placed.status, placed.type) == ("NEW", kind)
    (gone,) = client.delete_open_orders(BTC).data()
    assert gone.order_id == placed.order_id


def test_immediate_orders_end_at_once(client: SpotRestAPI) -> None:
    assert limit(client, time_in_force="IOC").status == "EXPIRED"
    assert limit(client, time_in_force="FOK").status == "EXPIRED"
    assert limit(client, time_in_force="FOK", price=60001).status == "FILLED"


def test_an_amended_order_keeps_its_number(client: SpotRestAPI) -> None:
    placed = limit(client)
    changed = client.order_amend_keep_priority(BTC, new_qty=0.005, order_id=placed.order_id).data()
    assert (changed.amended_order.order_id, changed.amended_order.qty) == (placed.order_id, "0.00500000")
    (line,) = client.order_amendments(BTC, placed.order_id).data()
    assert (line.orig_qty, line.new_qty) == ("0.01000000", "0.00500000")


def test_cancel_and_replace(client: SpotRestAPI) -> None:
    placed = limit(client)

    def again(mode: str) -> Any:
        return client.order_cancel_replace(
            BTC, enums.OrderCancelReplaceSideEnum.BUY, enums.OrderCancelReplaceTypeEnum.LIMIT,
            enums.OrderCancelReplaceCancelReplaceModeEnum(mode), quantity=0.02, price=51000,
            time_in_force=enums.OrderCancelReplaceTimeInForceEnum.GTC, cancel_order_id=placed.order_id,
        ).data()  # fmt: skip

    assert again("STOP_ON_FAILURE").new_order_response.orig_qty == "0.02000000"
    assert "Order cancel-replace failed." in refused(Error, lambda: again("STOP_ON_FAILURE"))
    assert "partially" in refused(Error, lambda: again("ALLOW_FAILURE"))


def test_lists_of_orders(client: SpotRestAPI, sim: Sim) -> None:
    oco = client.order_list_oco(
        BTC, enums.OrderListOcoSideEnum.SELL, 0.01, enums.OrderListOcoAboveTypeEnum.LIMIT_MAKER,
        enums.OrderListOcoBelowTypeEnum.STOP_LOSS, above_price=62000, below_stop_price=58000,
    ).data()  # fmt: skip
    assert (oco.contingency_type, oco.list_order_status) == ("OCO", "EXECUTING")
    oto = client.order_list_oto(
        BTC, enums.OrderListOtoWorkingTypeEnum.LIMIT, enums.OrderListOtoWorkingSideEnum.BUY, 59000, 0.01,
        enums.OrderListOtoPendingTypeEnum.MARKET, enums.OrderListOtoPendingSideEnum.SELL, 0.01,
        working_time_in_force=enums.OrderListOtoWorkingTimeInForceEnum.GTC,
    ).data()  # fmt: skip
    assert [r.status for r in oto.order_reports] == ["NEW", "PENDING_NEW"]
    assert {lst.order_list_id for lst in client.open_order_list().data()} == {oco.order_list_id, oto.order_list_id}
    sim.price("58999", "59000", "59000")
    assert client.get_order_list(order_list_id=oto.order_list_id).data().list_order_status == "ALL_DONE"
    gone = client.delete_order_list(BTC, order_list_id=oco.order_list_id).data()
    assert gone.list_order_status == "ALL_DONE"
    assert [lst.list_order_status for lst in client.all_order_list().data()] == ["ALL_DONE", "ALL_DONE"]
    otoco = client.order_list_otoco(
        BTC, enums.OrderListOtocoWorkingTypeEnum.LIMIT, enums.OrderListOtocoWorkingSideEnum.BUY, 58000, 0.01,
        enums.OrderListOtocoPendingSideEnum.SELL, 0.01, enums.OrderListOtocoPendingAboveTypeEnum.LIMIT_MAKER,
        pending_above_price=63000, pending_below_type=enums.OrderListOtocoPendingBelowTypeEnum.STOP_LOSS,
        pending_below_stop_price=57000, working_time_in_force=enums.OrderListOtocoWorkingTimeInForceEnum.GTC,
    ).data()  # fmt: skip
    assert len(otoco.order_reports) == 3


def test_own_orders_do_not_meet(client: SpotRestAPI) -> None:
    maker = limit(client, price=60000)
    taker = limit(client, side="SELL", price=60000, quantity=0.01)
    assert taker.status == "NEW"
    seen = client.get_order(BTC, order_id=maker.order_id).data()
    assert (seen.status, seen.prevented_quantity) == ("EXPIRED_IN_MATCH", "0.01000000")
    (match,) = client.my_prevented_matches(BTC, order_id=maker.order_id).data()
    assert (match.taker_order_id, match.self_trade_prevention_mode) == (taker.order_id, "EXPIRE_MAKER")


def test_histories_come_in_pages(client: SpotRestAPI) -> None:
    for _ in range(5):
        limit(client, time_in_force="IOC", price=60001, quantity=0.001)
    trades = client.my_trades(BTC, limit=2).data()
    assert len(trades) == 2
    assert len(client.my_trades(BTC, from_id=trades[0].id).data()) == 2
    orders = client.all_orders(BTC, limit=2, start_time=0).data()
    assert len(client.all_orders(BTC, order_id=orders[1].order_id).data()) == 4


def test_errors_come_as_the_clients_own(client: SpotRestAPI, sim: Sim) -> None:
    assert "insufficient balance" in refused(BadRequestError, lambda: limit(client, quantity=3))
    assert "LOT_SIZE" in refused(BadRequestError, lambda: limit(client, quantity=9001))
    assert "Invalid symbol" in refused(BadRequestError, lambda: limit(client, symbol="NOPE"))
    assert "Unknown order" in refused(BadRequestError, lambda: client.delete_order(BTC, order_id=1))
    stranger = rest_of(sim, api_key="A" * 64)
    refused(UnauthorizedError, stranger.get_account)
    stranger._session.close()  # noqa: SLF001 - it has no way to close
    throttled = {"where": "request", "what": "throttle", "when": {"nth": 1}, "args": {"seconds": 3}}
    sim.control("/faults", {"faults": [throttled]})
    refused(TooManyRequestsError, client.time)
    sim.control("/faults", {"faults": []})
    sim.control("/ban", {"seconds": 60})
    refused(RateLimitBanError, client.time)
    sim.control("/ban", {"seconds": 0})
    assert client.time().data().server_time


def test_microseconds_where_they_are_asked_for(sim: Sim) -> None:
    made = rest_of(sim, time_unit="MICROSECOND")
    assert made.time().data().server_time > 10**15
    made._session.close()  # noqa: SLF001 - it has no way to close


def test_an_ed25519_key_of_ones_own_signs_requests(sim: Sim) -> None:
    key, pem = registered(sim)
    made = rest_of(sim, api_key=key, api_secret=None, private_key=pem)
    assert made.get_account().data().account_type == "SPOT"
    made._session.close()  # noqa: SLF001 - it has no way to close


def registered(sim: Sim) -> tuple[str, str]:
    """A fresh Ed25519 key, known to the venue: its name, and its private half as PEM."""
    private = ed25519.Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return sim.control("/keys", {"public_key": public.decode()})["key"], pem.decode()


# --- Sockets ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def api(sim: Sim, **options: Any) -> AsyncIterator[Any]:
    keys = {"api_key": sim.key, "api_secret": sim.secret} | options
    spot = Spot(config_ws_api=ConfigurationWebSocketAPI(stream_url=f"{sim.ws}/ws-api/v3", **keys))
    await spot.websocket_api.create_connection()
    try:
        yield spot.websocket_api
    finally:
        await spot.websocket_api.close_connection(close_session=True)


@asynccontextmanager
async def streams(sim: Sim) -> AsyncIterator[Any]:
    spot = Spot(config_ws_streams=ConfigurationWebSocketStreams(stream_url=sim.ws))
    await spot.websocket_streams.create_connection()
    try:
        yield spot.websocket_streams
    finally:
        await spot.websocket_streams.close_connection(close_session=True)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for the client's reader, ten seconds at most."""
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within ten seconds")


async def collect(handle: Any, count: int) -> list[Any]:
    """The next messages of a stream, within half a minute; what came with the last of them is left out."""
    found: list[Any] = []
    done = asyncio.Event()

    def hear(message: Any) -> None:
        found.append(message)
        if len(found) >= count:
            done.set()

    handle.on("message", hear)
    async with asyncio.timeout(30):
        await done.wait()
    return found[:count]


@pytest.mark.asyncio
async def test_orders_over_the_websocket_api(sim: Sim) -> None:
    async with api(sim) as client:
        placed = await client.order_place(
            BTC, socket_enums.OrderPlaceSideEnum.BUY, socket_enums.OrderPlaceTypeEnum.LIMIT, quantity=0.01, price=50000,
            time_in_force=socket_enums.OrderPlaceTimeInForceEnum.GTC, new_client_order_id="ws-1",
        )  # fmt: skip
        number = placed.data().result.order_id
        assert (await client.order_status(BTC, orig_client_order_id="ws-1")).data().result.order_id == number
        changed = await client.order_amend_keep_priority(BTC, 0.005, order_id=number, new_client_order_id="ws-2")
        assert changed.data().result.amended_order.qty == "0.00500000"
        gone = await client.order_cancel(BTC, order_id=number)
        assert gone.data().result.status == "CANCELED"
        account = (await client.account_status()).data().result
        assert account.account_type == "SPOT"
        assert (await client.depth(BTC, limit=5)).data().result.bids[0][0] == "59999.00000000"
        refusal = await client.order_place(
            BTC, socket_enums.OrderPlaceSideEnum.BUY, socket_enums.OrderPlaceTypeEnum.MARKET, quantity=3
        )
        assert "insufficient balance" in str(refusal.data())


@pytest.mark.asyncio
async def test_user_data_by_signature_tells_a_whole_order_life(sim: Sim, client: SpotRestAPI) -> None:
    async with api(sim) as socket:
        opened = await socket.user_data_stream_subscribe_signature()
        events: list[Any] = []
        opened.stream.on("message", events.append)
        placed = await asyncio.to_thread(limit, client, new_client_order_id="life-1", quantity=0.02)
        sim.control("/fill", {"order": "life-1", "qty": "0.005", "price": "50000"})
        await asyncio.to_thread(client.delete_order, BTC, order_id=placed.order_id)
        await until(lambda: sum(kind_of(event) == "OutboundAccountPosition" for event in events) == 3)
        reports = [event.actual_instance for event in events if kind_of(event) == "ExecutionReport"]
        assert [(r.x, r.X) for r in reports] == [
            ("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("CANCELED", "CANCELED"),
        ]  # fmt: skip
        assert (reports[1].l, reports[1].L, reports[2].C) == ("0.00500000", "50000.00000000", "life-1")


def kind_of(event: Any) -> str:
    return type(event.actual_instance).__name__


@pytest.mark.asyncio
async def test_a_session_that_is_logged_on_needs_no_signatures(sim: Sim) -> None:
    key, pem = registered(sim)
    async with api(sim, api_key=key, api_secret=None, private_key=pem) as client:
        session = (await client.session_logon()).data().result
        assert (session.api_key, session.user_data_stream) == (key, False)
        opened = await client.user_data_stream_subscribe()
        waiting = asyncio.ensure_future(collect(opened.stream, 2))
        await asyncio.sleep(0)
        await client.order_place(
            BTC, socket_enums.OrderPlaceSideEnum.BUY, socket_enums.OrderPlaceTypeEnum.MARKET, quantity=0.01
        )
        assert [kind_of(event) for event in await waiting][:2] == ["ExecutionReport", "ExecutionReport"]
        assert (await client.session_status()).data().result.user_data_stream is True
        assert (await client.session_logout()).data().result.api_key is None


@pytest.mark.asyncio
async def test_market_streams_meet_their_models(sim: Sim) -> None:
    async with streams(sim) as client:
        trades = await collect(await client.trade("ethusdt"), 2)
        assert trades[1].t == trades[0].t + 1
        changes = await collect(
            await client.diff_book_depth(
                "ethusdt", update_speed=stream_enums.DiffBookDepthUpdateSpeedEnum.UPDATE_SPEED_100ms
            ),
            3,
        )
        assert [change.U for change in changes[1:]] == [change.u + 1 for change in changes[:-1]]
        (best,) = await collect(await client.book_ticker("ethusdt"), 1)
        assert Decimal(best.b) < Decimal(best.a)
        (kline,) = await collect(await client.kline("ethusdt", stream_enums.KlineIntervalEnum.INTERVAL_1m), 1)
        assert kline.k.i == "1m"


@pytest.mark.asyncio
async def test_a_gap_in_the_book_shows_in_its_numbers(sim: Sim) -> None:
    async with streams(sim) as client:
        handle = await client.diff_book_depth(
            "ethusdt", update_speed=stream_enums.DiffBookDepthUpdateSpeedEnum.UPDATE_SPEED_100ms
        )
        changes: list[Any] = []
        handle.on("message", changes.append)
        await until(lambda: len(changes) >= 2)
        sim.control("/book", {"symbol": "ETH/USDT", "what": "gap"})
        told = len(changes)
        await until(lambda: len(changes) >= told + 2)
        steps = [after.U - before.u for before, after in pairwise(changes)]
        assert sorted(steps)[-2] == 1 < max(steps)
