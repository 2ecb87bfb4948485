"""The log over REST: pages of addresses, ranges, and single transactions.

https://developer.oanda.com/rest-live-v20/transaction-ep/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from floorbroker_sim.oanda import info
from floorbroker_sim.oanda.errors import Refused, invalid
from floorbroker_sim.oanda.rest.answers import Answer, ended
from floorbroker_sim.oanda.rest.log import Entry
from floorbroker_sim.oanda.rest.reading import Call

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


def _types(call: Call) -> list[str]:
    names = call.names("type")
    if any(name not in info.FILTERS for name in names):
        raise invalid("type")
    return names


def is_wanted(entry: Entry, types: Iterable[str]) -> bool:
    """Whether a transaction is among the types; no types are all."""
    names = set(types)
    if not names or entry.type in names:
        return True
    kind = entry.type.removesuffix("_REJECT")
    return (
        ("ORDER" in names and (kind.endswith("_ORDER") or kind.startswith("ORDER_")))
        or ("FUNDING" in names and entry.type in info.FUNDING)
        or ("ADMIN" in names and entry.type in info.ADMIN)
    )


def list_pages(state: State, call: Call) -> Answer:
    """Between two times: no transactions, but the addresses of their pages."""
    start = call.moment("from") or state.account.created
    end = call.moment("to") or state.clock.now()
    if end < start or end - start > info.RANGE_MAX:
        raise invalid("from" if end < start else "to", "The range is at most 365 days")
    size = call.number("pageSize", default=info.TRANSACTIONS_PAGE, high=info.TRANSACTIONS_MAX)
    types = _types(call)
    ids = [int(entry.id) for entry in state.log.entries if start <= entry.time <= end]
    counted = sum(1 for number in ids if is_wanted(state.log.entries[number - 1], types))
    tail = f"&type={'%2C'.join(types)}" if types else ""
    root = f"{call.base}/v3/accounts/{state.keys.account}/transactions/idrange"
    pages = [f"{root}?from={ids[n]}&to={ids[min(n + size, len(ids)) - 1]}{tail}" for n in range(0, len(ids), size)]
    body = {"from": start, "to": end, "pageSize": size, "type": types, "count": counted, "pages": pages}
    return Answer(ended(state, body))


def get_transaction(state: State, _call: Call, number: str) -> Answer:
    found = state.log.find(number)
    if found is None:
        raise Refused(404, "The transaction ID specified does not exist", members=ended(state, {}))
    return Answer(ended(state, {"transaction": found}))


def id_range(state: State, call: Call) -> Answer:
    """Both ends included.  More than a thousand is too much to ask for."""
    call.needed("from")
    call.needed("to")
    first, last = call.transaction("from") or 0, call.transaction("to") or 0
    types = _types(call)
    if last < first or last - first >= info.TRANSACTIONS_MAX:
        raise invalid("to", "The range is at most 1000 transactions")
    if not 1 <= first <= len(state.log.entries):
        raise Refused(416, "The range of transactions requested is not available", members=ended(state, {}))
    found = [entry for entry in state.log.entries[first - 1 : last] if is_wanted(entry, types)]
    return Answer(ended(state, {"transactions": found}))


def since_id(state: State, call: Call) -> Answer:
    """Newer than an id, which is not included; a thousand at most, the oldest first."""
    call.needed("id")
    since, types = call.transaction("id") or 0, _types(call)
    if since > len(state.log.entries):
        raise Refused(416, "The range of transactions requested is not available", members=ended(state, {}))
    found = [entry for entry in state.log.entries[since : since + info.TRANSACTIONS_MAX] if is_wanted(entry, types)]
    return Answer(ended(state, {"transactions": found}))
