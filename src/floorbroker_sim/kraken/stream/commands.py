"""Orders over the socket: the same checks and the same engine as REST, other words.

https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/add_order and its neighbours
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from floorbroker_sim.kraken import auth, errors, info
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.rest import cancels, changes, entry, working
from floorbroker_sim.kraken.rest.public import find_pair
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.records import Record, Wish
from floorbroker_sim.kraken.rest.state import State

Result = dict[str, object]
Answer = Callable[[State, Params], object]

_TERMS = frozenset(
    {
        "order_type", "side", "order_qty", "cash_order_qty", "limit_price", "limit_price_type", "triggers",
        "time_in_force", "expire_time", "effective_time", "cl_ord_id", "order_userref", "post_only", "reduce_only",
        "margin", "display_qty", "fee_preference", "stp_type", "conditional", "sender_sub_id", "no_mpp",
    }
)  # fmt: skip
_COMMON = frozenset({"token", "deadline", "validate"})
FIELDS: Mapping[str, frozenset[str]] = {
    "add_order": _TERMS | _COMMON | {"symbol"},
    "batch_add": _COMMON | {"symbol", "orders"},
}


def placed(record: Record) -> Result:
    """What an accepted order is answered with."""
    return {"order_id": record.id, **_names(record.wish)}


def _names(wish: Wish) -> Result:
    names: Result = {}
    if wish.cl_ord_id is not None:
        names["cl_ord_id"] = wish.cl_ord_id
    if wish.userref is not None:
        names["order_userref"] = wish.userref
    return names


def check_fields(method: str, params: Params, allowed: frozenset[str]) -> None:
    """Refuse a member that the method does not have, by its name."""
    for name in params:
        if name not in allowed:
            raise Refused(f"Unsupported field: '{name}' for the given msg type: {method.replace('_', ' ')}")


def add_order(state: State, params: Params) -> object:
    check_fields("add_order", params, FIELDS["add_order"])
    pair = find_pair(state, params.need("symbol"))
    state.limits.engine(pair.symbol, "add", state.clock.now(), fixed=Decimal(1))
    wish = entry.socket_wish(params, pair)
    entry.check_deadline(state, params)
    probe = entry.checked(state, wish)
    entry.check_engine(state, probe)
    if params.flag("validate"):
        return _names(wish)
    return placed(working.place(state, wish))


def batch_add(state: State, params: Params) -> object:
    """One answer for each order, in order; one without money has an error in its place."""
    check_fields("batch_add", params, FIELDS["batch_add"])
    pair = find_pair(state, params.need("symbol"))
    orders = entry.batch_of(params)
    for order in orders:
        check_fields("batch_add", order, _TERMS)
    probes = entry.batch_probes(state, params, pair, [entry.socket_wish(order, pair) for order in orders])
    if params.flag("validate"):
        return [_names(probe.wish) for probe in probes]
    results: list[Result] = []
    for probe in probes:
        try:
            entry.check_engine(state, probe)
        except Refused as refused:
            results.append({**_names(probe.wish), "error": refused.text, "success": False})
            continue
        results.append(placed(working.place(state, probe.wish)))
    return results


def cancel_all(state: State, params: Params) -> object:
    return cancels.cancel_all(state, params)


def batch_cancel(state: State, params: Params) -> object:
    names, clients = params.names("orders"), params.names("cl_ord_id")
    if len(names) + len(clients) < info.BATCH_CANCEL_MIN:
        raise invalid("orders")
    return {"count": cancels.many(state, names, clients)}


def cancel_names(params: Params) -> list[tuple[str, str]]:
    """Each order that `cancel_order` names, with the member that named it.  Raises `Refused` for none."""
    found = [(kind, name) for kind in ("order_id", "cl_ord_id", "order_userref") for name in params.names(kind)]
    if not found:
        raise invalid("order_id")
    return found


def cancel_one(state: State, kind: str, name: str) -> list[Result]:
    """Answers for one name; a user reference may stand for several orders."""
    if kind == "order_userref":
        records = cancels.by_userref(state, name)
        if not records:
            raise Refused(errors.UNKNOWN_ORDER)
        cancels.take_out(state, records)
        return [{"order_id": record.id, "order_userref": record.wish.userref} for record in records]
    record = state.orders.get(name) if kind == "order_id" else state.open_by_client_id(name)
    cancels.one(state, name if kind == "order_id" else None, name if kind == "cl_ord_id" else None)
    assert record is not None
    return [placed(record)]


COMMANDS: Mapping[str, Answer] = {
    "add_order": add_order,
    "batch_add": batch_add,
    "amend_order": changes.socket_amend,
    "edit_order": changes.socket_edit,
    "cancel_all": cancel_all,
    "cancel_all_orders_after": cancels.dead_man,
    "batch_cancel": batch_cancel,
}
NEEDS: Mapping[str, str] = {
    "add_order": auth.MODIFY, "batch_add": auth.MODIFY, "amend_order": auth.MODIFY, "edit_order": auth.MODIFY,
    "cancel_order": auth.CANCEL, "cancel_all": auth.CANCEL, "cancel_all_orders_after": auth.CANCEL,
    "batch_cancel": auth.CANCEL,
}  # fmt: skip
