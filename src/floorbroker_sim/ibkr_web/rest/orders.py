"""Orders as lists show them, one order, and executions.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#order-monitoring
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from floorbroker.domain.values import Side, text_of
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import errors, info, mapping
from floorbroker_sim.ibkr_web.mapping import millis, number, price_text
from floorbroker_sim.ibkr_web.rest.checks import account_of
from floorbroker_sim.ibkr_web.rest.reading import flag, names, whole
from floorbroker_sim.ibkr_web.rest.records import Execution, Record
from floorbroker_sim.ibkr_web.rest.state import State

_FILTERS = {word.lower(): word for word in info.STATUSES}
_SORT = "sortbytime"


def live_orders(state: State, request: Request) -> Reply:
    """The orders of the day.  The first call of a session, and one that forces, start the feed and list nothing."""
    state.login.need_accounts()
    wanted = filters_of(names(request.query, "filters"))
    account = request.query.get("accountId")
    if account:
        account_of(state, account)
    forced = flag(request.query, "force")
    is_first, state.login.asked.orders = not state.login.asked.orders, True
    state.filters = () if forced else wanted or state.filters
    if is_first or forced:
        return json_reply({"orders": [], "snapshot": False})
    found = [r for r in todays(state) if account is None or r.account == account]
    found = [r for r in found if not state.filters or r.status in state.filters]
    found.sort(key=lambda r: (r.is_open, r.created_at, r.id), reverse=True)
    rows = [row_of(state, r) for r in found[: info.MAX_LIVE_ORDERS]]
    return json_reply({"orders": rows, "snapshot": True}, exact_numbers=True)


def filters_of(words: list[str]) -> tuple[str, ...]:
    """Statuses by their names in either spelling; `sort_by_time` is none.  Raises `Refused` for other words."""
    plain = [word.lower().replace("_", "") for word in words]
    unknown = [word for word in plain if word not in _FILTERS and word != _SORT]
    if unknown:
        raise errors.bad_request(f"unknown filter {unknown[0]}")
    return tuple(_FILTERS[word] for word in plain if word != _SORT)


def todays(state: State) -> list[Record]:
    """What is open, and what ended since midnight in New York."""
    today = state.clock.now().astimezone(NEW_YORK).date()
    return [r for r in state.orders.values() if r.is_open or r.updated_at.astimezone(NEW_YORK).date() == today]


def row_of(state: State, record: Record) -> dict[str, object]:
    """One order as lists and the stream show it.  Times are UTC."""
    contract = state.symbols.contract(record.order.symbol)
    total, limit, stop = record.qty, mapping.limit_of(record), mapping.stop_of(record)
    at = record.last_fill_at or record.updated_at
    row: dict[str, object] = {
        "acct": record.account,
        "account": record.account,
        "conidex": record.conidex,
        "conid": record.conid,
        "orderId": record.id,
        "cashCcy": info.CURRENCY,
        "sizeAndFills": f"{text_of(record.filled)}/{text_of(total or record.filled)}",
        "orderDesc": mapping.sentence(record),
        "description1": contract.ticker,
        "ticker": contract.ticker,
        "secType": "BAG" if record.is_combination else contract.sec_type,
        "listingExchange": contract.exchange,
        "exchange": _route(record),
        "remainingQuantity": number(record.leaves),
        "filledQuantity": number(record.filled),
        "totalSize": number(total if total is not None else record.filled),
        "companyName": contract.instrument.name.upper(),
        "status": record.status,
        "order_ccp_status": record.status,
        "avgPrice": price_text(record.average) if record.filled else "0",
        "origOrderType": info.TYPES[record.kind][0],
        "supportsTaxOpt": "1",
        "lastExecutionTime": mapping.compact(at),
        "lastExecutionTime_r": millis(at) // 1000 * 1000,
        "orderType": info.TYPES[record.kind][1],
        "bgColor": "#000000" if record.is_open else "#FFFFFF",
        "fgColor": "#00F000" if record.is_open else "#000000",
        "isEventTrading": "0",
        "timeInForce": "CLOSE" if record.tif == "DAY" else record.tif,
        "side": "BUY" if record.side is Side.BUY else "SELL",
    }
    if record.order.notional is not None:
        row["totalCashSize"] = number(record.order.notional)
    if limit is not None or stop is not None:
        row["price"] = price_text(limit if limit is not None else stop or Decimal(0))
    if limit is not None and stop is not None:
        row["auxPrice"] = price_text(stop)
    if record.client_id is not None:
        row["order_ref"] = record.client_id
    if record.parent is not None:
        row["parentId"] = record.parent
    return row


def _route(record: Record) -> str:
    return record.conidex.partition(";")[0].partition("@")[2] or "SMART"


# --- One order -------------------------------------------------------------------------------------------------------


def order_status(state: State, _request: Request, order_id: str) -> Reply:
    """One order by its number; 503 for one of another account or of none."""
    state.login.need_accounts()
    record = state.orders.get(whole(order_id, "orderId"))
    if record is None or record.account != state.selected:
        raise errors.unavailable()
    return json_reply(_status(state, record), exact_numbers=True)


def _status(state: State, record: Record) -> dict[str, object]:
    contract = state.symbols.contract(record.order.symbol)
    total = record.qty if record.qty is not None else record.filled
    limit, stop = mapping.limit_of(record), mapping.stop_of(record)
    status: dict[str, object] = {
        "sub_type": None,
        "request_id": str(record.id % 1000),
        "server_id": "0",
        "order_id": record.id,
        "conidex": record.conidex,
        "conid": record.conid,
        "symbol": contract.ticker,
        "side": "B" if record.side is Side.BUY else "S",
        "contract_description_1": contract.ticker,
        "listing_exchange": contract.exchange,
        "option_acct": "c",
        "company_name": contract.instrument.name.upper(),
        "size": str(number(record.leaves)),
        "total_size": str(number(total)),
        "currency": info.CURRENCY,
        "account": record.account,
        "order_type": info.TYPES[record.kind][0],
        "cum_fill": str(number(record.filled)),
        "order_status": record.status,
        "order_ccp_status": mapping.fix_status(record),
        "order_status_description": _description(record),
        "tif": record.tif,
        "fg_color": "#FFFFFF",
        "bg_color": "#000000",
        "order_not_editable": not record.is_open,
        "editable_fields": "\x1e" if record.is_open else "",
        "cannot_cancel_order": not record.is_open,
        "deactivate_order": False,
        "sec_type": "BAG" if record.is_combination else contract.sec_type,
        "available_chart_periods": "#R|1",
        "order_description": mapping.sentence(record),
        "order_description_with_contract": mapping.sentence(record, named=contract.ticker),
        "alert_active": 1,
        "child_order_type": "0" if record.parent is None else "A",
        "order_clearing_account": record.account,
        "size_and_fills": f"{text_of(record.filled)}/{text_of(total)}" if record.is_open else text_of(record.filled),
        "exit_strategy_display_price": price_text(record.average),
        "exit_strategy_chart_description": mapping.sentence(record),
        "average_price": price_text(record.average),
        "exit_strategy_tool_availability": "1",
        "allowed_duplicate_opposite": True,
        "order_time": mapping.compact(record.created_at),
    }
    if limit is not None:
        status["limit_price"] = price_text(limit)
    if stop is not None:
        status["stop_price"] = price_text(stop)
    if record.client_id is not None:
        status["order_ref"] = record.client_id
    return status


def _description(record: Record) -> str:
    words = {"PreSubmitted": "Order Held", "Submitted": "Order Submitted", "Filled": "Order Filled"}
    return words.get(record.status, f"Order {record.status}") + (f" - {record.reason}" if record.reason else "")


# --- Executions ------------------------------------------------------------------------------------------------------


def trades(state: State, request: Request) -> Reply:
    """Executions of today, or of up to seven days."""
    state.login.need_accounts()
    days = whole(request.query.get("days") or "1", "days")
    account = request.query.get("accountId") or state.selected
    account_of(state, account)
    if not 1 <= days <= info.TRADE_DAYS_MAX:
        raise errors.bad_request("days is between 1 and 7")
    return json_reply(executions(state, days=days, account=account), exact_numbers=True)


def executions(state: State, *, days: int, account: str) -> list[dict[str, object]]:
    """Rows of executions, newest first."""
    first = state.clock.now().astimezone(NEW_YORK).date() - timedelta(days=days - 1)
    found = [e for e in state.executions.values() if e.record.account == account]
    found = [e for e in found if e.at.astimezone(NEW_YORK).date() >= first]
    return [trade_row(state, e) for e in sorted(found, key=lambda e: (e.at, e.id), reverse=True)]


def trade_row(state: State, execution: Execution) -> dict[str, object]:
    """One execution.  No order number is documented here; `order_ref` is the client's id."""
    contract, record = state.symbols.contract(execution.symbol), execution.record
    verb = "Bought" if execution.side is Side.BUY else "Sold"
    place = "ISLAND" if contract.option is None else "CBOE"
    value = execution.qty * execution.price * contract.instrument.multiplier
    row: dict[str, object] = {
        "execution_id": execution.shown_id,
        "symbol": contract.ticker,
        "supports_tax_opt": "1",
        "side": "B" if execution.side is Side.BUY else "S",
        "order_description": f"{verb} {text_of(execution.qty)} @ {price_text(execution.price)} on {place}",
        "trade_time": f"{execution.at:%Y%m%d-%H:%M:%S}",
        "trade_time_r": millis(execution.at) // 1000 * 1000,
        "size": number(execution.qty),
        "price": price_text(execution.price),
        "submitter": state.username,
        "exchange": place,
        "commission": text_of(execution.fee),
        "net_amount": mapping.amount(value),
        "account": record.account,
        "accountCode": record.account,
        "account_allocation_name": record.account,
        "company_name": contract.instrument.name.upper(),
        "contract_description_1": contract.description,
        "sec_type": contract.sec_type,
        "listing_exchange": contract.exchange,
        "conid": contract.conid,
        "conidEx": str(contract.conid),
        "clearing_id": "IB",
        "clearing_name": "IB",
        "liquidation_trade": "0",
        "is_event_trading": "0",
    }
    if record.client_id is not None:
        row["order_ref"] = record.client_id
    return row
