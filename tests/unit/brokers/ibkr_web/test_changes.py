"""Changes: a whole ticket at the terms that the venue tells now, or none at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain.errors import ApiError, InvalidRequest, NotSupported, Outcome, Timeout
from floorbroker.domain.orders import OrderChanges, StopLoss
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, Price, Quantity, TimeInForce
from tests.unit.brokers.ibkr_web.fakes import (
    CL_ORD_ID,
    PLACED,
    VENUE_ID,
    Gateway,
    approved,
    broker,
    limit_order,
    payload,
    ref,
)

pytestmark = pytest.mark.asyncio
D = Decimal
PLACE = "/iserver/account/DU123456/orders"
CHANGE = f"/iserver/account/DU123456/order/{VENUE_ID}"
STATUS = f"/iserver/account/order/status/{VENUE_ID}"
DEARER = OrderChanges(price=Price(D(151)))


async def changed(venue: Any, changes: OrderChanges = DEARER, **named: Any) -> None:
    await venue.modify_order(ref(**named), changes, cl_ord_id=ClOrdId("c"), decided_at=0.0)


async def placed(gateway: Gateway, **terms: Any) -> Any:
    gateway.set(CHANGE, PLACED)
    venue = broker(gateway)
    await venue.connect()
    await venue.submit_order(approved(limit_order(**terms)))
    return venue


async def test_a_change_repeats_what_the_venue_has_by_now_and_not_what_was_sent() -> None:
    gateway = Gateway()
    venue = await placed(gateway)
    gateway.set(STATUS, {**payload("order_status"), "total_size": "7.0", "tif": "GTC"})  # somebody changed it in TWS
    await changed(venue)
    (body,) = gateway.bodies(f"/order/{VENUE_ID}")
    assert (body["quantity"], body["tif"], body["price"]) == (7, "GTC", 151)
    await venue.disconnect()


async def test_after_a_change_whose_answer_was_lost_the_next_begins_with_the_venues_terms_alone() -> None:
    gateway = Gateway()
    venue = await placed(gateway, extended_hours=True)
    gateway.set(CHANGE, Timeout("no answer"))
    with pytest.raises(Timeout):
        await changed(venue)
    gateway.set(CHANGE, PLACED)
    with pytest.raises(NotSupported):
        await changed(venue, extended_hours=None)  # whether it works outside regular hours, nobody knows any more
    await changed(venue, extended_hours=True)
    assert [body.get("outsideRTH") for body in gateway.bodies(f"/order/{VENUE_ID}")] == [True, True]
    await venue.disconnect()


async def test_a_price_that_the_status_lacks_is_looked_for_in_the_list() -> None:
    gateway = Gateway()
    venue = await placed(gateway)
    status = {name: value for name, value in payload("order_status").items() if name != "limit_price"}
    gateway.set(STATUS, status)
    await changed(venue, OrderChanges(order_qty=Quantity(D(5))))
    (body,) = gateway.bodies(f"/order/{VENUE_ID}")
    assert (body["quantity"], body["price"]) == (5, 150.5)
    gateway.set("/iserver/account/orders", {"orders": [], "snapshot": True})
    other = await placed(gateway)
    with pytest.raises(NotSupported):
        await changed(other, OrderChanges(order_qty=Quantity(D(5))))
    await venue.disconnect()
    await other.disconnect()


@pytest.mark.parametrize(
    "told",
    [
        {"order_type": "MIDPRICE"},
        {"side": "S"},
        {"conid": 1},
        {"tif": "OVT"},
        {"sec_type": "BAG"},
        {"conidex": "28812380;;;685302909/1,685302910/-1"},
        {"total_size": ""},
    ],
)
@pytest.mark.parametrize("is_kept", [True, False])
async def test_an_order_that_is_not_what_was_sent_or_not_told_whole_is_not_changed(
    told: dict[str, Any], is_kept: bool
) -> None:
    gateway = Gateway()
    venue = await placed(gateway)
    if not is_kept:
        if told.keys() <= {"side", "conid"}:
            pytest.skip("nothing is known to compare it with")
        await venue.disconnect()
        venue = broker(gateway)
        await venue.connect()
    gateway.set(STATUS, {**payload("order_status"), **told})
    with pytest.raises(NotSupported) as caught:
        await changed(venue)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert gateway.bodies(f"/order/{VENUE_ID}") == []
    await venue.disconnect()


async def test_members_of_a_group_are_changed_by_the_life_that_placed_them_alone() -> None:
    group = {"take_profit": Price(D(190)), "stop_loss": StopLoss(stop_px=Price(D(140)))}
    gateway = Gateway()
    gateway.set(PLACE, [{"order_id": number, "order_status": "PreSubmitted"} for number in (VENUE_ID, "11", "12")])
    venue = await placed(gateway, order_class=OrderClass.BRACKET, **group)
    await changed(venue)
    assert len(gateway.bodies(f"/order/{VENUE_ID}")) == 1
    gateway.set(CHANGE, Timeout("no answer"))
    with pytest.raises(Timeout):
        await changed(venue)
    with pytest.raises(NotSupported, match="group"):  # its ticket is not kept any more
        await changed(venue)
    await venue.disconnect()
    gateway.set(STATUS, {**payload("order_status"), "child_order_type": "A"})
    other = broker(gateway)
    await other.connect()
    with pytest.raises(NotSupported, match="group"):
        await changed(other)
    await other.disconnect()


async def test_a_trail_is_not_changed_and_other_terms_of_such_an_order_are() -> None:
    gateway = Gateway()
    trailing = {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_amount": Price(D("1.5"))}
    venue = await placed(gateway, **trailing)
    gateway.set(STATUS, {**payload("order_status"), "order_type": "TRAILING_STOP", "stop_price": "149.10"})
    with pytest.raises(NotSupported, match="trail"):
        await changed(venue, OrderChanges(trail=D(2)))
    await changed(venue, OrderChanges(tif=TimeInForce.GTC))
    (body,) = gateway.bodies(f"/order/{VENUE_ID}")
    assert (body["trailingAmt"], body["tif"], "price" in body) == (1.5, "GTC", False)
    await venue.disconnect()


async def test_a_reply_about_another_order_leaves_the_change_unknown_and_our_own_name_in_it_does_not() -> None:
    gateway = Gateway()
    venue = await placed(gateway)
    gateway.set(CHANGE, [{**PLACED[0], "local_order_id": CL_ORD_ID}])
    await changed(venue)
    gateway.set(CHANGE, [{"order_id": "5", "order_status": "Submitted"}])
    with pytest.raises(ApiError) as caught:
        await changed(venue)
    assert caught.value.outcome is Outcome.UNKNOWN
    with pytest.raises(InvalidRequest):
        await changed(venue, OrderChanges())
    await venue.disconnect()
