"""The account's history: fills, and fees taken in coins."""

from __future__ import annotations

from datetime import timedelta

from floorbroker.domain.values import text_of, time_text
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.alpaca import info
from floorbroker_sim.alpaca.errors import bad_parameter
from floorbroker_sim.alpaca.mapping import outside
from floorbroker_sim.alpaca.rest.reading import Query, choice, day, moment, names, number
from floorbroker_sim.alpaca.rest.records import Activity
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.http import Reply, Request, json_reply

_DAY = timedelta(days=1)


def list_activities(state: State, request: Request) -> Reply:
    types, category = names(request.query, "activity_types"), request.query.get("category")
    if types and category:
        raise bad_parameter("only one of activity_types or category is accepted")
    if category not in (None, "", "trade_activity", "non_trade_activity"):
        raise bad_parameter(f"invalid category: {category}")
    return _page(state, request.query, types, category or None)


def list_one_type(state: State, request: Request, kind: str) -> Reply:
    return _page(state, request.query, [kind], None)


def _page(state: State, query: Query, types: list[str], category: str | None) -> Reply:
    newest_first = choice(query, "direction", ("asc", "desc"), default="desc") == "desc"
    size = number(query, "page_size", default=info.ACTIVITIES_MAX, low=1, high=info.ACTIVITIES_MAX)
    found = [a for a in state.activities if not a.busted and _fits(a, query, types, category)]
    if newest_first:
        found.reverse()
    token = query.get("page_token")
    if token:
        at = next((index for index, activity in enumerate(found) if activity.id == token), None)
        if at is None:
            raise bad_parameter("invalid page_token")
        found = found[at + 1 :]
    return json_reply([activity_object(activity) for activity in found[:size]])


def _fits(activity: Activity, query: Query, types: list[str], category: str | None) -> bool:
    if types and activity.type not in types:
        return False
    if category is not None and activity.is_fill != (category == "trade_activity"):
        return False
    date, after, until = day(query, "date"), moment(query, "after"), moment(query, "until")
    if date is not None and activity.at.astimezone(NEW_YORK).date() != date:
        return False
    return (after is None or activity.at > after) and (until is None or activity.at < until)


def activity_object(activity: Activity) -> dict[str, object]:
    """A trade activity, or a non-trade one."""
    if activity.is_fill:
        assert activity.side is not None
        qty, price = activity.listed or (activity.qty, activity.price)  # corrections are told as events alone
        return {
            "id": activity.id, "activity_type": "FILL", "transaction_time": time_text(activity.at),
            "type": "fill" if activity.is_last else "partial_fill", "price": text_of(price),
            "qty": text_of(qty), "side": activity.side.value, "symbol": outside(activity.symbol),
            "leaves_qty": text_of(activity.leaves_qty), "order_id": activity.order_id, "cum_qty": text_of(activity.cum_qty),
            "order_status": "filled" if activity.is_last else "partially_filled",
        }  # fmt: skip
    day_text = activity.at.astimezone(NEW_YORK).date().isoformat()
    return {
        "id": activity.id, "activity_type": activity.type, "date": day_text, "symbol": outside(activity.symbol),
        "net_amount": text_of(-activity.fee if not activity.qty else activity.qty * 0), "qty": text_of(-activity.qty),
        "price": text_of(activity.price), "description": "Coin Pair Transaction Fee (Non USD)", "status": "executed",
        "created_at": time_text(activity.at), "currency": "USD",
    }  # fmt: skip
