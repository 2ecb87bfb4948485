"""The whole adapter over fakes of its transports."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from floorbroker.brokers.kraken import Options
from floorbroker.brokers.kraken.adapter import grouped
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectionFailed,
    DuplicateOrderId,
    FloorbrokerError,
    InsufficientFunds,
    NotSupported,
    OrderNotFound,
    Outcome,
    RateLimitExceeded,
    SessionExpired,
    SymbolNotFound,
    Timeout,
    VaultLocked,
)
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.records import DataKind, LinkState, Quote
from floorbroker.domain.values import ClOrdId, ExecType, OrderType, OrdStatus, Price, Quantity
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.kraken.fakes import (
    CL_ORD_ID,
    NOW,
    OTHER,
    STREAM_ID,
    VENUE_ID,
    FakeConnect,
    FakeSocket,
    FakeTransport,
    Heard,
    Lines,
    approved,
    broker,
    form,
    limit_order,
    ok,
    parsed,
    payload,
    ref,
    reply,
)

pytestmark = pytest.mark.asyncio
D = Decimal
SINCE = NOW - timedelta(hours=1)


def venue_reads(**changes: Any) -> FakeTransport:
    """Every question a connection asks, answered."""
    answers: dict[str, Any] = {
        "Time": ok("time"), "SystemStatus": ok("status"), "AssetPairs": ok("pairs"), "GetApiKeyInfo": ok("key"),
        "BalanceEx": ok("balances"), "TradeBalance": ok("trade_balance"), "GetWebSocketsToken": ok("token"),
        "Ticker": ok("ticker"), "OpenOrders": ok("open_orders"), "ClosedOrders": ok("closed_orders"),
        "TradesHistory": ok("trades"), "OHLC": ok("ohlc"),
    }  # fmt: skip
    return FakeTransport(**(answers | changes))


# -- submit -------------------------------------------------------------------------------------------------------------


async def test_a_submit_is_one_post_with_our_id() -> None:
    commands = FakeTransport(ok("added"))
    (report,) = await broker(commands=commands).submit_order(approved())
    (request,) = commands.requests
    assert (request.method, request.origin, request.path) == ("POST", "https://api.kraken.com", "/0/private/AddOrder")
    assert (request.lane, request.decided_at, request.order) == (Lane.NEW, 1.0, CL_ORD_ID)
    assert form(request) == {
        "pair": "XBTUSD", "ordertype": "limit", "type": "buy", "volume": "0.01", "price": "64000.1",
        "cl_ord_id": CL_ORD_ID, "oflags": "fciq", "timeinforce": "GTC",
    }  # fmt: skip
    assert (report.order_id, report.ord_status, report.cl_ord_id) == (VENUE_ID, OrdStatus.PENDING_NEW, CL_ORD_ID)


@pytest.mark.parametrize(
    "response",
    [
        reply({"txid": []}),
        reply({"txid": ["O1", "O2"]}),
        reply({"txid": [""]}),
        reply({}),
        reply(),
        reply(raw=b"<html>ok</html>"),
        reply(raw=b""),
        reply(raw=b"null"),
        reply({"txid": ["O1"]}, status=502),
        Response(status=520, body=b"<html>cloudflare</html>"),
        reply(errors=["EService:Unavailable"]),
        reply(errors=["EGeneral:Internal error"]),
        reply(errors=["EOrder:Never heard of"]),
    ],
    ids=[
        "none",
        "two",
        "empty id",
        "no ids",
        "no result",
        "page",
        "empty",
        "null",
        "502",
        "520",
        "unavailable",
        "internal",
        "new",
    ],
)
async def test_an_answer_that_names_no_one_order_leaves_it_unknown(response: Response) -> None:
    with pytest.raises(ApiError) as caught:
        await broker(commands=FakeTransport(response)).submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_warning_beside_a_result_is_no_error() -> None:
    response = reply({"txid": [VENUE_ID]}, errors=["WGeneral:Something"])
    (report,) = await broker(commands=FakeTransport(response)).submit_order(approved())
    assert report.order_id == VENUE_ID


async def test_a_refusal_and_a_duplicate_are_told_apart() -> None:
    venue = broker(
        commands=FakeTransport(
            reply(errors=["EOrder:Insufficient funds"]), reply(errors=["EOrder:Duplicate cl_ord_id"])
        )
    )
    with pytest.raises(InsufficientFunds) as refused:
        await venue.submit_order(approved())
    assert refused.value.outcome is Outcome.REFUSED
    with pytest.raises(DuplicateOrderId) as seen:
        await venue.submit_order(approved())
    assert seen.value.outcome is Outcome.UNKNOWN


async def test_a_time_out_of_the_transport_passes_through() -> None:
    with pytest.raises(Timeout) as caught:
        await broker(commands=FakeTransport(Timeout("no reply"))).submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_an_order_without_words_never_reaches_the_transport() -> None:
    commands = FakeTransport()
    with pytest.raises(NotSupported):
        await broker(commands=commands).submit_order(approved(limit_order(symbol="BTC/USD", extended_hours=True)))
    assert commands.requests == []


# -- batches ------------------------------------------------------------------------------------------------------------


async def test_orders_of_one_pair_travel_in_one_request_and_each_has_its_own_answer() -> None:
    commands = FakeTransport(ok("batch"))
    first, second = await broker(commands=commands).submit_orders([approved(), approved(cl_ord_id=OTHER)])
    (request,) = commands.requests
    assert request.path == "/0/private/AddOrderBatch"
    body = json.loads(request.body)
    assert (body["pair"], [order["cl_ord_id"] for order in body["orders"]]) == ("XBTUSD", [CL_ORD_ID, OTHER])
    assert "pair" not in body["orders"][0]
    assert isinstance(first, tuple)
    assert first[0].order_id == VENUE_ID
    assert isinstance(second, InsufficientFunds)


async def test_a_batch_that_is_refused_or_lost_is_so_for_each_of_its_orders() -> None:
    for answer, outcome in (
        (reply(errors=["EGeneral:Invalid arguments"]), Outcome.REFUSED),
        (Timeout("x"), Outcome.UNKNOWN),
    ):
        told = await broker(commands=FakeTransport(answer)).submit_orders([approved(), approved(cl_ord_id=OTHER)])
        assert [getattr(one, "outcome", None) for one in told] == [outcome, outcome]


async def test_a_batch_answered_for_other_orders_proves_nothing() -> None:
    response = reply({"orders": [{"txid": "O1"}]})
    told = await broker(commands=FakeTransport(response)).submit_orders([approved(), approved(cl_ord_id=OTHER)])
    assert all(isinstance(one, ApiError) and one.outcome is Outcome.UNKNOWN for one in told)


async def test_an_item_that_names_nothing_is_unknown_and_the_others_stand() -> None:
    response = reply({"orders": [{"txid": "O1"}, {"descr": {}}]})
    first, second = await broker(commands=FakeTransport(response)).submit_orders(
        [approved(), approved(cl_ord_id=OTHER)]
    )
    assert isinstance(first, tuple)
    assert isinstance(second, ApiError)


async def test_a_single_order_of_a_pair_goes_by_itself_and_the_answers_keep_their_places() -> None:
    commands = FakeTransport(
        AddOrder=reply({"txid": ["OETH"]}), AddOrderBatch=reply({"orders": [{"txid": "O1"}, {"txid": "O2"}]})
    )
    ether = limit_order(symbol="ETH/USD", price=Price(D(3000)))
    third = ClOrdId("0195570e-6a80-7abc-8def-0123456789aa")
    told = await broker(commands=commands).submit_orders(
        [approved(), approved(ether, cl_ord_id=third), approved(cl_ord_id=OTHER)]
    )
    assert [one[0].order_id for one in told if isinstance(one, tuple)] == ["O1", "OETH", "O2"]
    assert sorted(commands.names) == ["AddOrder", "AddOrderBatch"]


async def test_a_batch_holds_fifteen_orders() -> None:
    assert [len(group) for group in grouped([approved()] * 32)] == [15, 15, 2]


# -- the engine's counter -----------------------------------------------------------------------------------------------


async def test_an_order_waits_for_room_in_its_pairs_counter_or_is_not_sent() -> None:
    clock = ManualClock(NOW)
    commands = FakeTransport(AddOrder=ok("added"), CancelOrder=ok("cancelled"))
    venue = broker(commands=commands, clock=clock, options=Options(tier="starter"))
    for _ in range(48):
        await venue.submit_order(approved())
    waiting = [asyncio.create_task(venue.submit_order(approved())) for _ in range(2)]
    await clock.advance(0.9)
    assert len(commands.requests) == 48
    await clock.advance(0.2)
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in told] == [tuple, RateLimitExceeded]  # there was room for one
    assert isinstance(told[1], RateLimitExceeded)
    assert told[1].outcome is Outcome.NOT_SENT
    await venue.cancel_order(ref())  # never held back
    assert commands.names[-2:] == ["AddOrder", "CancelOrder"]


async def test_other_pairs_have_counters_of_their_own() -> None:
    commands = FakeTransport(AddOrder=ok("added"))
    venue = broker(commands=commands, options=Options(tier="starter"))
    for _ in range(48):
        await venue.submit_order(approved())
    await venue.submit_order(approved(limit_order(symbol="ETH/USD")))
    assert len(commands.requests) == 49


async def test_the_venues_word_that_the_counter_is_full_holds_the_next_order_back() -> None:
    commands = FakeTransport(reply(errors=["EOrder:Rate limit exceeded"]))
    venue = broker(commands=commands)
    with pytest.raises(RateLimitExceeded) as said:
        await venue.submit_order(approved())
    assert said.value.outcome is Outcome.REFUSED
    with pytest.raises(RateLimitExceeded) as held:
        await venue.submit_order(approved())
    assert held.value.outcome is Outcome.NOT_SENT
    assert len(commands.requests) == 1


async def test_an_order_that_never_left_is_not_counted() -> None:
    refused = ConnectionFailed("refused")
    commands = FakeTransport(AddOrder=lambda request: (_ for _ in ()).throw(refused))
    venue = broker(commands=commands, options=Options(tier="starter"))
    for _ in range(60):
        with pytest.raises(ConnectionFailed):
            await venue.submit_order(approved())
    assert len(commands.requests) == 60


# -- cancel and amend -----------------------------------------------------------------------------------------------------


async def test_a_cancel_asks_once_by_the_venues_id_or_by_ours() -> None:
    commands = FakeTransport(ok("cancelled"), ok("cancelled"))
    venue = broker(commands=commands)
    assert await venue.cancel_order(ref()) == ()
    assert await venue.cancel_order(ref(order_id=None)) == ()
    assert [form(request) for request in commands.requests] == [{"txid": VENUE_ID}, {"cl_ord_id": CL_ORD_ID}]
    assert {request.lane for request in commands.requests} == {Lane.CANCEL}


async def test_a_refused_cancel_is_told_in_the_venues_words() -> None:
    with pytest.raises(OrderNotFound) as caught:
        await broker(commands=FakeTransport(reply(errors=["EOrder:Unknown order"]))).cancel_order(ref())
    assert (caught.value.venue_text, caught.value.outcome) == ("EOrder:Unknown order", Outcome.REFUSED)


THIRD = ClOrdId("0195570e-6a80-7abc-8def-0123456789b0")
OVERTAKEN = ["EAPI:Invalid nonce"]


async def test_a_cancel_whose_nonce_was_overtaken_is_asked_for_again() -> None:
    commands = FakeTransport(*(reply(errors=OVERTAKEN) for _ in range(2)), ok("cancelled"))
    await broker(commands=commands).cancel_order(ref())
    assert commands.names == ["CancelOrder"] * 3
    commands = FakeTransport(reply(errors=OVERTAKEN), ok("cancelled"))
    await broker(commands=commands).cancel_all()
    assert commands.names == ["CancelAll"] * 2


async def test_a_cancel_that_is_overtaken_each_time_is_refused_in_the_end() -> None:
    commands = FakeTransport(CancelOrder=reply(errors=OVERTAKEN))
    with pytest.raises(AuthenticationFailed) as caught:
        await broker(commands=commands).cancel_order(ref())
    assert (caught.value.outcome, len(commands.requests)) == (Outcome.REFUSED, 3)


@pytest.mark.parametrize("errors", [["EAPI:Invalid key"], ["EAPI:Invalid nonce", "EService:Busy"], ["EService:Busy"]])
async def test_a_cancel_with_any_other_answer_is_asked_for_once(errors: list[str]) -> None:
    commands = FakeTransport(CancelOrder=reply(errors=errors))
    with pytest.raises(FloorbrokerError):
        await broker(commands=commands).cancel_order(ref())
    assert len(commands.requests) == 1


async def test_a_new_order_whose_nonce_was_overtaken_is_not_sent_again() -> None:
    commands = FakeTransport(AddOrder=reply(errors=OVERTAKEN))
    with pytest.raises(AuthenticationFailed):
        await broker(commands=commands).submit_order(approved())
    assert len(commands.requests) == 1


async def test_a_mass_cancel_is_asked_for_and_names_no_orders() -> None:
    commands = FakeTransport(ok("cancelled"))
    assert await broker(commands=commands).cancel_all() == ()
    assert (commands.names, commands.requests[0].lane) == (["CancelAll"], Lane.CANCEL)


CHANGE = OrderChanges(price=Price(D(63900)), order_qty=Quantity(D("0.02")))


async def test_an_amend_keeps_the_id_and_answers_the_change() -> None:
    commands = FakeTransport(ok("amended"))
    (report,) = await broker(commands=commands).modify_order(ref(), CHANGE, cl_ord_id=OTHER, decided_at=2.0)
    (request,) = commands.requests
    assert (request.path, request.endpoint, request.decided_at) == ("/0/private/AmendOrder", "orders.replace", 2.0)
    assert form(request) == {"txid": VENUE_ID, "order_qty": "0.02", "limit_price": "63900"}
    assert (report.exec_type, report.order_id, report.replaces, report.cl_ord_id) == (
        ExecType.REPLACED, VENUE_ID, VENUE_ID, OTHER,
    )  # fmt: skip
    assert (report.price, report.order_qty, report.ord_status) == (D(63900), D("0.02"), None)


async def test_an_amend_without_a_venue_id_looks_it_up_and_a_failed_look_sends_nothing() -> None:
    commands = FakeTransport(ok("amended"))
    venue = broker(reads=venue_reads(), commands=commands)
    await venue.modify_order(ref(order_id=None), CHANGE, cl_ord_id=OTHER, decided_at=2.0)
    assert form(commands.requests[0])["txid"] == VENUE_ID
    blind = broker(reads=FakeTransport(Timeout("no reply")), commands=FakeTransport())
    with pytest.raises(Timeout) as caught:
        await blind.modify_order(ref(order_id=None), CHANGE, cl_ord_id=OTHER, decided_at=2.0)
    assert caught.value.outcome is Outcome.NOT_SENT


async def test_a_change_whose_answer_was_lost_is_in_doubt_and_leaves_its_terms_to_be_seen() -> None:
    venue = broker(reads=venue_reads(), commands=FakeTransport(Timeout("no reply")))
    with pytest.raises(Timeout) as caught:
        await venue.modify_order(ref(), CHANGE, cl_ord_id=OTHER, decided_at=2.0)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert venue.info.amends_in_place
    (report, *_) = (await venue.get_open_orders()).items
    assert (report.order_id, report.price, report.order_qty) == (VENUE_ID, D("64000.1"), D("0.01"))


async def test_what_cannot_change_is_refused_before_anything_leaves() -> None:
    commands = FakeTransport()
    with pytest.raises(NotSupported):
        await broker(commands=commands).modify_order(ref(), OrderChanges(trail=D(5)), cl_ord_id=OTHER, decided_at=2.0)
    assert commands.requests == []


# -- over the socket ------------------------------------------------------------------------------------------------------


def shaped(result: object = None, *, errors: list[str] | None = None) -> Response:
    return reply(result if result is not None else {}, errors=errors)


async def test_orders_travel_over_the_socket_where_the_profile_wants_it() -> None:
    socket = FakeTransport(
        shaped({"order_id": VENUE_ID}),
        shaped({"amend_id": "T1", "order_id": VENUE_ID}),
        shaped({"order_id": VENUE_ID}),
        shaped({"count": 2}),
    )
    venue = broker(commands=FakeTransport(), socket=socket)
    (report,) = await venue.submit_order(approved())
    assert report.order_id == VENUE_ID
    await venue.modify_order(ref(), CHANGE, cl_ord_id=OTHER, decided_at=2.0)
    await venue.cancel_order(ref())
    await venue.cancel_all()
    assert socket.names == ["add_order", "amend_order", "cancel_order", "cancel_all"]
    assert {request.origin for request in socket.requests} == {"https://ws-auth.kraken.com"}
    assert json.loads(socket.requests[0].body)["symbol"] == "BTC/USD"
    assert json.loads(socket.requests[1].body) == {"order_id": VENUE_ID, "order_qty": 0.02, "limit_price": 63900}
    assert json.loads(socket.requests[2].body) == {"order_id": [VENUE_ID]}
    assert [request.endpoint for request in socket.requests] == [
        "orders.submit", "orders.replace", "orders.cancel", "orders.cancel_all",
    ]  # fmt: skip


async def test_a_batch_over_the_socket_is_answered_one_by_one() -> None:
    socket = FakeTransport(shaped({"orders": [{"order_id": "O1"}, {"order_id": "O2"}]}))
    told = await broker(socket=socket).submit_orders([approved(), approved(cl_ord_id=OTHER)])
    assert [one[0].order_id for one in told if isinstance(one, tuple)] == ["O1", "O2"]
    assert json.loads(socket.requests[0].body)["symbol"] == "BTC/USD"


async def test_an_answer_that_names_another_order_proves_nothing() -> None:
    venue = broker(socket=FakeTransport(shaped({"order_id": VENUE_ID, "cl_ord_id": OTHER})))
    with pytest.raises(ApiError) as caught:
        await venue.submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_items_of_a_batch_that_name_other_orders_prove_nothing_and_those_that_name_their_own_stand() -> None:
    items = [
        {"order_id": "O1", "cl_ord_id": CL_ORD_ID},
        {"order_id": "O2", "cl_ord_id": "another"},
        {"error": "EOrder:Insufficient funds", "cl_ord_id": CL_ORD_ID},
        {"error": "EOrder:Insufficient funds", "cl_ord_id": THIRD},
    ]
    venue = broker(socket=FakeTransport(shaped({"orders": items})))
    asked = [approved(), approved(cl_ord_id=OTHER), approved(cl_ord_id=OTHER), approved(cl_ord_id=THIRD)]
    done, wrong, wrongly_refused, refused = await venue.submit_orders(asked)
    assert isinstance(done, tuple)
    assert done[0].order_id == "O1"
    assert [one.outcome for one in (wrong, wrongly_refused) if isinstance(one, ApiError)] == [Outcome.UNKNOWN] * 2
    assert isinstance(refused, InsufficientFunds)


async def test_a_refusal_over_the_socket_reads_like_one_of_rest() -> None:
    with pytest.raises(InsufficientFunds):
        await broker(socket=FakeTransport(shaped(errors=["EOrder:Insufficient funds"]))).submit_order(approved())


async def test_a_cancel_that_the_socket_could_not_send_goes_by_rest() -> None:
    commands = FakeTransport(ok("cancelled"), ok("cancelled"))
    venue = broker(commands=commands, socket=FakeTransport(ConnectionFailed("down"), ConnectionFailed("down")))
    await venue.cancel_order(ref(order_id=None))
    await venue.cancel_all()
    assert commands.names == ["CancelOrder", "CancelAll"]


@pytest.mark.parametrize("error", [Timeout("no reply"), VaultLocked("locked")])
async def test_a_cancel_that_may_have_left_or_that_we_refused_is_not_sent_twice(error: FloorbrokerError) -> None:
    commands = FakeTransport()
    with pytest.raises(type(error)):
        await broker(commands=commands, socket=FakeTransport(error)).cancel_order(ref())
    assert commands.requests == []


async def test_a_cancel_that_a_dead_session_refused_goes_by_rest_and_the_socket_logs_in_anew() -> None:
    renewed: list[bool] = []
    commands = FakeTransport(ok("cancelled"), ok("cancelled"))
    over = shaped(errors=["ESession:Invalid session"])
    venue = broker(commands=commands, socket=FakeTransport(over, over), renew=lambda: renewed.append(True))
    await venue.cancel_order(ref())
    await venue.cancel_all()
    assert (commands.names, len(renewed)) == (["CancelOrder", "CancelAll"], 2)


async def test_an_order_that_a_dead_session_refused_was_not_placed_and_the_socket_logs_in_anew() -> None:
    renewed: list[bool] = []
    over = shaped(errors=["ESession:Invalid session"])
    venue = broker(socket=FakeTransport(over, over), commands=FakeTransport(), renew=lambda: renewed.append(True))
    with pytest.raises(SessionExpired) as caught:
        await venue.submit_order(approved())
    with pytest.raises(SessionExpired):
        await venue.modify_order(ref(), CHANGE, cl_ord_id=OTHER, decided_at=2.0)
    assert (caught.value.outcome, len(renewed)) == (Outcome.REFUSED, 2)


async def test_a_new_order_that_the_socket_could_not_send_is_not_sent_another_way() -> None:
    commands = FakeTransport()
    with pytest.raises(ConnectionFailed):
        await broker(commands=commands, socket=FakeTransport(ConnectionFailed("down"))).submit_order(approved())
    assert commands.requests == []


# -- orders and executions ------------------------------------------------------------------------------------------------


async def test_an_order_is_asked_for_by_the_venues_id() -> None:
    order = parsed("open_orders")["result"]["open"][VENUE_ID]
    reads = FakeTransport(reply({VENUE_ID: order}))
    (report,) = await broker(reads=reads).get_order_status(ref())
    assert (report.order_id, report.asked_at) == (VENUE_ID, NOW)
    assert form(reads.requests[0]) == {"txid": VENUE_ID}
    assert (reads.names, reads.requests[0].lane) == (["QueryOrders"], Lane.RESOLVE)


async def test_an_order_the_venue_does_not_know_is_not_found_in_its_own_words() -> None:
    with pytest.raises(OrderNotFound):
        await broker(reads=FakeTransport(reply(errors=["EOrder:Unknown order"]))).get_order_status(ref())
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(reply({}))).get_order_status(ref())


async def test_by_our_id_open_orders_are_asked_first_then_closed_ones() -> None:
    reads = FakeTransport(reply({"open": {}}), ok("closed_orders"))
    closed_id = ClOrdId("0195570e-6a80-7abc-8def-0123456789ad")
    venue = broker(reads=reads)
    found = ref(order_id=None)
    (report,) = await venue.get_order_status(type(found)(
        intent_id=found.intent_id, cl_ord_id=closed_id, symbol="BTC/USD", order_id=None
    ))  # fmt: skip
    assert (report.order_id, report.ord_status) == ("OE61KV-QF3XR-EZQWV5", OrdStatus.CANCELED)
    assert [form(request)["cl_ord_id"] for request in reads.requests] == [closed_id, closed_id]


async def test_an_id_in_neither_list_is_not_found_and_a_list_of_others_proves_nothing() -> None:
    empty = broker(reads=FakeTransport(reply({"open": {}}), reply({"closed": {}, "count": 0})))
    with pytest.raises(OrderNotFound):
        await empty.get_order_status(ref(order_id=None))
    others = broker(reads=FakeTransport(reply({"open": {}}), ok("closed_orders")))
    with pytest.raises(ApiError):
        await others.get_order_status(ref(order_id=None))


async def test_open_orders_are_listed_with_when_they_were_asked_for() -> None:
    fetched = await broker(reads=venue_reads()).get_open_orders()
    assert (len(fetched.items), fetched.asked_at) == (2, NOW)
    assert {report.symbol for report in fetched.items} == {"BTC/USD", "ETH/EUR"}


async def test_a_history_has_open_and_closed_orders_and_the_later_word_of_each() -> None:
    moved = parsed("closed_orders")["result"]
    moved["closed"][VENUE_ID] = parsed("open_orders")["result"]["open"][VENUE_ID] | {"status": "canceled"}
    moved["count"] = 3
    reads = venue_reads(ClosedOrders=reply(moved))
    fetched = await broker(reads=reads).get_order_history(SINCE)
    statuses = {report.order_id: report.ord_status for report in fetched.items}
    assert len(fetched.items) == len(statuses) == 4
    assert statuses[VENUE_ID] is OrdStatus.CANCELED
    assert reads.names == ["OpenOrders", "ClosedOrders"]
    start = int(form(reads.requests[1])["start"])
    assert start <= SINCE.timestamp() - 2


def pages(name: str, key: str, total: int) -> Any:
    """A listing of so many items, 50 a page, by the offset asked for."""
    item = next(iter(parsed(name)["result"][key].values()))

    def answer(request: Request) -> Response:
        offset = int(parse_qs(request.body.decode())["ofs"][0])
        page = {f"X{number}": item for number in range(offset, min(offset + 50, total))}
        return reply({key: page, "count": total})

    return answer


async def test_every_page_is_asked_for() -> None:
    reads = venue_reads(
        ClosedOrders=pages("closed_orders", "closed", 120), TradesHistory=pages("trades", "trades", 101)
    )
    venue = broker(reads=reads)
    assert len((await venue.get_order_history(SINCE)).items) == 122
    assert len((await venue.get_fills(SINCE)).items) == 101
    assert [form(request)["ofs"] for request in reads.requests[1:]] == ["0", "50", "100", "0", "50", "100"]


async def test_a_page_that_moved_by_a_new_item_loses_nothing() -> None:
    trade = next(iter(parsed("trades")["result"]["trades"].values()))
    first = reply({"trades": {f"X{number}": trade for number in range(50)}, "count": 60})
    second = reply({"trades": {f"X{number}": trade for number in range(48, 60)}, "count": 60})
    fetched = await broker(reads=FakeTransport(first, second)).get_fills(SINCE)
    assert len(fetched.items) == 60


async def test_a_list_that_cannot_be_completed_is_an_error() -> None:
    trade = next(iter(parsed("trades")["result"]["trades"].values()))
    same = reply({"trades": {"X1": trade}, "count": 60})
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(same, same)).get_fills(SINCE)


async def test_fills_are_asked_for_one_by_one_and_cost_two() -> None:
    reads = venue_reads()
    fetched = await broker(reads=reads).get_fills(SINCE)
    (request,) = reads.requests
    assert (form(request)["consolidate_taker"], request.weight) == ("false", 2)
    assert {report.exec_id for report in fetched.items} == {"TCCCTY-WE2O6-P3NB37", "TZX2WP-XSEOP-FP7WYR"}


# -- connection and account -----------------------------------------------------------------------------------------------


async def test_a_connection_measures_learns_and_proves() -> None:
    reads = venue_reads()
    venue = broker(reads=reads)
    assert not venue.is_connected()
    await venue.connect()
    assert venue.is_connected()
    assert reads.names == ["Time", "AssetPairs", "GetApiKeyInfo", "BalanceEx", "TradeBalance"]
    status = venue.get_connection_status()
    assert (status.state, status.clock_offset_s) == (LinkState.CONNECTED, 0.0)
    await venue.disconnect()
    assert venue.get_connection_status().state is LinkState.OFFLINE


@pytest.mark.parametrize(("unixtime", "offset_s"), [(1772463849, 0.0), (1772463850, 0.0), (1772463855, 5.0)])
async def test_whole_seconds_tell_how_far_the_clocks_are_apart(unixtime: int, offset_s: float) -> None:
    venue = broker(reads=venue_reads(Time=reply({"unixtime": unixtime})))
    await venue.connect()
    assert venue.get_connection_status().clock_offset_s == offset_s


async def test_a_key_that_is_not_accepted_leaves_the_profile_offline() -> None:
    venue = broker(reads=venue_reads(GetApiKeyInfo=reply(errors=["EAPI:Invalid key"])))
    with pytest.raises(AuthenticationFailed):
        await venue.connect()
    assert venue.get_connection_status().state is LinkState.OFFLINE


async def test_a_venue_that_does_not_tell_about_keys_is_no_failure() -> None:
    venue = broker(reads=venue_reads(GetApiKeyInfo=reply(errors=["EGeneral:Unknown method"])))
    await venue.connect()
    permissions = await venue.get_key_permissions()
    assert (permissions.trade, permissions.withdraw) == (None, None)
    failing = broker(reads=venue_reads(GetApiKeyInfo=reply(errors=["EService:Busy"])))
    with pytest.raises(ApiError):
        await failing.get_key_permissions()


async def test_a_key_that_can_withdraw_says_so() -> None:
    strong = parsed("key")["result"]
    strong["permissions"].append("withdraw-funds")
    venue = broker(reads=venue_reads(GetApiKeyInfo=reply(strong)), commands=FakeTransport(reply({"descr": {}})))
    assert (await venue.get_key_permissions()).withdraw is True
    checks = {check.name: check for check in (await venue.self_check()).checks}
    assert (checks["permissions"].ok, checks["permissions"].detail) == (False, "this key can withdraw money")


async def test_the_account_is_valued_in_the_profiles_quote_currency() -> None:
    reads = venue_reads()
    venue = broker(reads=reads, options=Options(quote="USDT"))
    account = await venue.get_account_info()
    assert (account.currency, account.equity) == ("USDT", D("97123.4500"))
    assert form(reads.requests[1]) == {"asset": "USDT"}


async def test_cash_is_asked_each_time_and_the_worth_of_everything_once_a_minute() -> None:
    reads, time = venue_reads(), ManualClock(NOW)
    venue = broker(reads=reads, clock=time)
    for _ in range(3):
        await venue.get_account_info()
        await time.advance(29)
    assert (reads.names.count("BalanceEx"), reads.names.count("TradeBalance")) == (3, 1)
    await venue.get_account_info()
    assert (reads.names.count("BalanceEx"), reads.names.count("TradeBalance")) == (4, 2)


async def test_positions_are_coins_with_the_last_price() -> None:
    (position,) = (await broker(reads=venue_reads()).get_positions()).items
    assert (position.symbol, position.qty, position.market_value) == ("BTC/USD", D("1.5"), D("96000.15"))


async def test_a_fill_moves_the_position_to_its_pair() -> None:
    trade = next(iter(parsed("trades")["result"]["trades"].values())) | {"pair": "XXBTZEUR"}
    reads = venue_reads(TradesHistory=reply({"trades": {"T1": trade}, "count": 1}))
    venue = broker(reads=reads)
    await venue.get_fills(SINCE)
    (position,) = (await venue.get_positions()).items
    assert (position.symbol, position.market_value) == ("BTC/EUR", None)  # no price is known there
    assert (await venue.get_risk_metrics()).gross_exposure == D("96000.15")


async def test_balances_and_risk() -> None:
    venue = broker(reads=venue_reads())
    assert len((await venue.get_balances()).items) == 6
    risk = await venue.get_risk_metrics()
    assert (risk.open_orders, risk.gross_exposure, risk.currency) == (2, D("96000.15"), "USD")


async def test_a_self_check_ends_with_an_order_that_is_only_looked_at() -> None:
    commands = FakeTransport(reply({"descr": {"order": "buy"}}))
    found = await broker(reads=venue_reads(), commands=commands).self_check()
    assert found.ok
    assert [check.name for check in found.checks] == [
        "connectivity", "system", "clock", "credentials", "environment", "permissions", "order_entry",
    ]  # fmt: skip
    (request,) = commands.requests
    asked = form(request)
    assert (asked["validate"], "cl_ord_id" in asked, request.endpoint) == ("true", False, "check.order")
    assert D(asked["price"]) * D(asked["volume"]) >= D("0.5")


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"Time": ConnectionFailed("down")}, "connectivity"),
        ({"SystemStatus": reply({"status": "maintenance"})}, "system"),
        ({"Time": reply({"unixtime": 1772463000})}, "clock"),
        ({"BalanceEx": reply(errors=["EAPI:Invalid key"])}, "credentials"),
    ],
)
async def test_a_self_check_names_what_does_not_hold(changes: dict[str, Any], failed: str) -> None:
    found = await broker(reads=venue_reads(**changes), commands=FakeTransport(reply({"descr": {}}))).self_check()
    assert failed in {check.name for check in found.checks if not check.ok}


async def test_a_refused_probe_is_told() -> None:
    commands = FakeTransport(reply(errors=["EGeneral:Permission denied"]))
    found = await broker(reads=venue_reads(), commands=commands).self_check()
    (probe,) = [check for check in found.checks if check.name == "order_entry"]
    assert (probe.ok, probe.detail) == (False, "EGeneral:Permission denied")


# -- instruments and market data --------------------------------------------------------------------------------------------


async def test_pairs_are_asked_for_once_an_hour() -> None:
    clock, reads = ManualClock(NOW), venue_reads()
    venue = broker(reads=reads, clock=clock)
    assert (await venue.get_instrument("BTC/USD")).venue_id == "XBTUSD"
    await venue.get_instrument("ETH/EUR")
    await clock.advance(3601)
    await venue.get_instrument("BTC/USD")
    assert reads.names == ["AssetPairs", "AssetPairs"]


@pytest.mark.parametrize("symbol", ["SOL/USD", "EUR/USD", "AAPL"])
async def test_a_symbol_that_is_not_traded_is_refused_by_name(symbol: str) -> None:
    with pytest.raises(SymbolNotFound) as caught:
        await broker(reads=venue_reads()).get_instrument(symbol)
    assert symbol in caught.value.detail


async def test_a_quote_is_the_ticker() -> None:
    quote = await broker(reads=venue_reads()).get_market_data("BTC/USD")
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.last, quote.time) == (
        D("64000.0"), D("64000.1"), D("2.250"), D("1.500"), D("64000.1"), NOW,
    )  # fmt: skip
    with pytest.raises(SymbolNotFound):
        await broker(reads=venue_reads()).get_market_data("ETH/USD")


async def test_bars_are_finished_ones_within_the_bounds() -> None:
    start = datetime(2026, 3, 2, 15, 2, tzinfo=UTC)
    series = await broker(reads=venue_reads()).get_bars("BTC/USD", span_s=60, start=start, end=NOW)
    assert [(bar.start.minute, bar.close) for bar in series] == [(2, D("64005.5")), (3, D("64010.0"))]
    later = await broker(reads=venue_reads()).get_bars("BTC/USD", span_s=60, start=start, end=NOW, limit=1)
    assert len(later) == 1


async def test_bars_older_than_the_venue_keeps_are_refused() -> None:
    last = int(NOW.timestamp()) // 60 * 60
    rows = [[last - 60 * number, "1", "1", "1", "1", "1", "1", 1] for number in range(720, 0, -1)]
    venue = broker(reads=FakeTransport(OHLC=reply({"XXBTZUSD": rows, "last": last})))
    with pytest.raises(NotSupported):
        await venue.get_bars("BTC/USD", span_s=60, start=NOW - timedelta(days=2), end=NOW)
    found = await venue.get_bars("BTC/USD", span_s=60, start=NOW - timedelta(hours=12, seconds=10), end=NOW)
    assert len(found) == 720


@pytest.mark.parametrize("time", [10**30, -(10**15), 253_402_300_799, 0])
async def test_a_bar_of_no_time_is_our_error(time: int) -> None:
    rows = [[time, "1", "1", "1", "1", "1", "1", 1]]
    venue = broker(reads=FakeTransport(OHLC=reply({"XXBTZUSD": rows, "last": 1})))
    with pytest.raises(ApiError):
        await venue.get_bars("BTC/USD", span_s=60, start=SINCE, end=NOW)


@pytest.mark.parametrize("unixtime", ["sNaN", "1e999999", "-1", 10**30])
async def test_a_clock_that_tells_no_time_is_our_error(unixtime: object) -> None:
    with pytest.raises(ApiError):
        await broker(reads=venue_reads(Time=reply({"unixtime": unixtime}))).connect()


async def test_hours_ask_how_the_system_is() -> None:
    venue = broker(reads=venue_reads(SystemStatus=reply({"status": "cancel_only"})))
    assert (await venue.get_market_hours("crypto", date(2026, 3, 2))).is_open_now is False


# -- before an order --------------------------------------------------------------------------------------------------------


async def test_an_order_that_breaks_no_rule_is_looked_at_by_the_venue() -> None:
    commands = FakeTransport(reply({"descr": {}}), reply(errors=["EOrder:Insufficient funds"]))
    venue = broker(reads=venue_reads(), commands=commands)
    assert await venue.validate_order(limit_order()) == ()
    (found,) = await venue.validate_order(limit_order())
    assert (found.code, found.detail) == ("insufficient_funds", "EOrder:Insufficient funds")
    assert {form(request)["validate"] for request in commands.requests} == {"true"}


async def test_an_order_that_breaks_a_rule_is_not_sent_anywhere() -> None:
    commands = FakeTransport()
    venue = broker(reads=venue_reads(), commands=commands)
    (found,) = await venue.validate_order(limit_order(price=Price(D("64000.15"))))
    assert (found.pointer, found.code) == ("/limit_price", "off_tick")
    (unknown,) = await venue.validate_order(limit_order(symbol="NOT/THERE"))
    assert (unknown.pointer, unknown.code) == ("/symbol", "not_found")
    assert commands.requests == []


async def test_a_venue_that_cannot_be_asked_leaves_what_is_known_here() -> None:
    log = Lines()
    venue = broker(reads=venue_reads(), commands=FakeTransport(Timeout("no reply")), log=log)
    assert await venue.validate_order(limit_order()) == ()
    assert [event for event, _ in log.events] == ["order.not_checked"]


async def test_what_an_order_ties_up_is_its_cost() -> None:
    venue = broker(reads=venue_reads())
    assert (await venue.get_margin_requirements(limit_order())).initial == D("640.001")
    market = limit_order(order_type=OrderType.MARKET, price=None)
    assert (await venue.get_margin_requirements(market)).initial == D("640.001")


# -- streams ----------------------------------------------------------------------------------------------------------------


def confirms(socket: FakeSocket) -> None:
    socket.push({"method": "subscribe", "result": {"channel": "executions"}, "success": True, "req_id": 1})


async def test_each_private_connection_has_a_token_of_its_own_that_records_are_cleaned_of() -> None:
    learnt: list[str] = []
    clock, connect, heard = ManualClock(NOW), FakeConnect(confirms), Heard()
    venue = broker(reads=venue_reads(), connect=connect, clock=clock, learn=learnt.append)
    subscription = await venue.subscribe_order_events(heard)
    await clock.advance(0)
    (socket,) = connect.sockets
    assert socket.target.url == "wss://ws-auth.kraken.com/v2"
    assert socket.sent[0]["params"]["token"] == "canary-stream-token"
    assert learnt == ["canary-stream-token"]
    assert heard.streams == [(True, "up")]
    socket.push(payload("execution_pending"))
    socket.push(payload("execution_trade"))  # one number is missing between the two
    await clock.advance(0)
    assert [report.order_id for report in heard.reports] == [STREAM_ID]
    assert heard.streams[-1] == (False, "orders: the stream lost messages of executions")
    await clock.advance(5)
    assert (len(connect.sockets), len(learnt)) == (2, 2)
    assert heard.streams[-1] == (True, "up")
    await subscription.close()
    await venue.disconnect()


async def test_a_key_without_the_socket_permission_degrades_the_profile() -> None:
    clock = ManualClock(NOW)
    reads = venue_reads(GetWebSocketsToken=reply(errors=["EGeneral:Permission denied"]))
    venue = broker(reads=reads, connect=FakeConnect(), clock=clock)
    await venue.connect()
    subscription = await venue.subscribe_order_events(Heard())
    await clock.advance(0)
    assert not venue.is_connected()
    assert venue.get_connection_status().state is LinkState.DEGRADED
    await subscription.close()


async def test_a_nonce_that_was_overtaken_is_no_word_about_the_key() -> None:
    answers = iter([reply(errors=OVERTAKEN), reply(errors=OVERTAKEN), ok("balances")])
    reads = venue_reads(BalanceEx=lambda _: next(answers))
    assert (await broker(reads=reads).get_balances()).items
    assert reads.names == ["BalanceEx"] * 3


async def test_a_token_whose_nonce_is_overtaken_each_time_does_not_deny_the_stream() -> None:
    clock, reads = ManualClock(NOW), venue_reads(GetWebSocketsToken=reply(errors=OVERTAKEN))
    venue = broker(reads=reads, clock=clock)
    await venue.connect()
    subscription = await venue.subscribe_order_events(Heard())
    await clock.advance(0)
    assert reads.names.count("GetWebSocketsToken") == 3
    assert venue.is_connected()
    assert venue.get_connection_status().state is LinkState.CONNECTED
    await subscription.close()


async def test_a_check_whose_nonce_was_overtaken_is_asked_again() -> None:
    commands = FakeTransport(reply(errors=OVERTAKEN), reply({"descr": {}}))
    assert await broker(reads=venue_reads(), commands=commands).validate_order(limit_order()) == ()
    assert commands.names == ["AddOrder"] * 2


async def test_a_system_that_is_not_online_is_seen_in_the_status() -> None:
    def in_maintenance(socket: FakeSocket) -> None:
        socket.push({"channel": "status", "type": "update", "data": [{"system": "cancel_only"}]})
        confirms(socket)

    clock, log = ManualClock(NOW), Lines()
    venue = broker(reads=venue_reads(), connect=FakeConnect(in_maintenance), clock=clock, log=log)
    await venue.connect()
    await venue.subscribe_order_events(Heard())
    await clock.advance(0)
    assert venue.get_connection_status().detail == "the system is cancel_only"
    assert log.events == [("system.status", {"system": "cancel_only", "before": "online"})]
    await venue.disconnect()


async def test_the_timer_is_stopped_when_the_desk_leaves_on_purpose() -> None:
    commands = FakeTransport(CancelAllOrdersAfter=ok("dead_man"))
    venue = broker(reads=venue_reads(), commands=commands, options=Options(dead_man_s="60"))
    await venue.connect()
    await venue.disconnect()
    (request,) = commands.requests
    assert (form(request), request.lane) == ({"timeout": "0"}, Lane.CANCEL)


async def test_a_timer_that_could_not_be_stopped_is_told() -> None:
    log = Lines()
    venue = broker(
        reads=venue_reads(), commands=FakeTransport(Timeout("no reply")), options=Options(dead_man_s="60"), log=log
    )
    await venue.connect()
    await venue.disconnect()
    assert [event for event, _ in log.events] == ["dead_man.not_stopped"]


async def test_market_data_is_shared_over_one_connection() -> None:
    clock, connect = ManualClock(NOW), FakeConnect()
    venue = broker(connect=connect, reads=venue_reads(), clock=clock, options=Options(book_depth="25"))
    quotes: list[Any] = []
    books: list[Any] = []
    first = await venue.subscribe_market_data(["BTC/USD"], frozenset({DataKind.QUOTES}), quotes.append)
    second = await venue.subscribe_market_data(["BTC/USD"], frozenset({DataKind.BOOK}), books.append)
    await clock.advance(0)
    (socket,) = connect.sockets
    assert socket.target.url == "wss://ws.kraken.com/v2"
    socket.push(payload("ticker_frame"))
    socket.push(payload("book_snapshot"))
    await clock.advance(0)
    assert [type(event) for event in quotes] == [Quote]
    assert [event.checksum for event in books] == [3310070434]
    await venue.resync_book("BTC/USD")
    assert [message["method"] for message in socket.sent[-2:]] == ["unsubscribe", "subscribe"]
    assert socket.sent[-1]["params"]["depth"] == 25
    await first.close()
    await second.close()
    await clock.advance(3)
    assert socket.closed


async def test_a_kind_for_what_is_no_coin_is_refused() -> None:
    with pytest.raises(NotSupported):
        await broker().subscribe_market_data(["AAPL"], frozenset({DataKind.QUOTES}), lambda _: None)
