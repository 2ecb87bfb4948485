"""Placing orders: one, one that is cut at the freeze quantity, and several at once.  Success means received, not accepted.

https://upstox.com/developer/api-documentation/v3/place-order and place-multi-order
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from floorbroker_sim.http import Reply, json_reply
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused, entry
from floorbroker_sim.upstox.rest import checks, life, sandbox
from floorbroker_sim.upstox.rest.answers import Call, ok, timed
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.reading import body_of
from floorbroker_sim.upstox.rest.records import Order, Terms
from floorbroker_sim.upstox.wire import PlaceWish

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State


def place_v3(state: State, call: Call) -> Reply:
    """`slice` makes several orders of one that is too large for the exchange."""
    placed = _placed(state, call, body_of(call.request, PlaceWish), products=info.PRODUCTS)
    return timed({"order_ids": [order.id for order in placed]})


def place_v2(state: State, call: Call) -> Reply:
    """The older form: one order, and a flag for orders of tomorrow, which is heeded here alone."""
    wish = body_of(call.request, PlaceWish)
    wish.slice, wish.market_protection = None, None
    if wish.is_amo and not call.is_sandbox and state.settings.calendar and state.is_open():
        raise Refused("UDAPI100039", path="is_amo", value=True)
    placed = _placed(state, call, wish, products=info.OLD_PRODUCTS)
    return ok({"order_id": placed[0].id})


def _placed(state: State, call: Call, wish: PlaceWish, *, products: tuple[str, ...]) -> list[Order]:
    listed = checks.listed_of(state, wish.instrument_token)
    terms = checks.terms_of(state, wish, products=products)
    parts = sliced(listed, terms)
    if call.is_sandbox:
        return [sandbox.create(state, listed, part) for part in parts]
    orders = [life.create(state, listed, part) for part in parts]
    for order in orders:
        life.begin(state, order)
    return orders


def sliced(listed: Listed, terms: Terms) -> list[Terms]:
    """An order as the exchange takes it: in parts of the freeze quantity where slicing was asked for."""
    if not terms.slice or terms.quantity <= listed.freeze:
        return [terms]
    most = max(listed.freeze // listed.lot * listed.lot, listed.lot)
    whole, rest = divmod(terms.quantity, most)
    sizes = [most] * min(whole, info.MAX_SLICES + 1) + [rest] * bool(rest)
    if len(sizes) > info.MAX_SLICES:
        raise Refused("UDAPI1118", path="quantity", value=terms.quantity)
    return [replace(terms, quantity=size) for size in sizes]


def place_multi(state: State, call: Call) -> Reply:
    """Several orders: each succeeds or fails by itself, buys go first."""
    wishes = body_of(call.request, list[PlaceWish])
    if not wishes:
        raise Refused("UDAPI100036", text="Invalid Input: there is no order in the list")
    if len(wishes) > info.MAX_MULTI:
        raise Refused("UDAPI1121", value=len(wishes))
    names = [_correlation(wish, wishes) for wish in wishes]
    good: list[dict[str, object]] = []
    bad: list[dict[str, object]] = []
    for name, wish in sorted(zip(names, wishes, strict=True), key=lambda pair: pair[1].transaction_type == "SELL"):
        try:
            placed = _placed(state, call, wish, products=info.PRODUCTS)
        except Refused as refused:
            bad.append(entry(refused, correlation_id=name))
            continue
        good += [dict[str, object](correlation_id=name, order_id=order.id) for order in placed]
    return _multi_reply(len(wishes), good, bad)


def _correlation(wish: PlaceWish, among: list[PlaceWish]) -> str:
    name = wish.correlation_id
    if not name or len(name) > info.MAX_CORRELATION or sum(one.correlation_id == name for one in among) > 1:
        raise Refused("UDAPI1120", path="correlation_id", value=name)
    return name


def _multi_reply(total: int, good: list[dict[str, object]], bad: list[dict[str, object]]) -> Reply:
    status = "success" if not bad else "partial_success" if good else "error"
    summary = {"total": total, "success": total - len(bad), "error": len(bad), "payload_error": len(bad)}
    body = {"status": status, "data": good, "errors": bad or None, "summary": summary}
    return json_reply(
        body, status=207 if status == "partial_success" else 400 if status == "error" else 200, exact_numbers=True
    )


def tag_in(body: bytes) -> str | None:
    """The tag of a request that places one order; None where there is none to read."""
    try:
        return msgspec.json.decode(body, type=_Tagged).tag
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class _Tagged(msgspec.Struct):
    tag: str | None = None
