"""GTT orders (good till triggered) as orders of the desk: they are shown and canceled, and none is placed from here (ADR 42).

A GTT order is an entry and, where it has them, exits, all under one id, with which alone it is canceled.  So it is one order of
the desk at a time: its entry under the venue's id, and what comes after under that id and `-exits`.  Neither fills: what a rule
sets off is an order of the book, with an id of its own, and the GTT order is over with it.  A trigger is also the limit, for
the venue tells no other.
Documents: upstox.com/developer/api-documentation/get-gtt-order-details, /place-gtt-order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.brokers.upstox.mapping.reports import SIDES, Heard, Reports
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.mapping.values import made_at, number, order_id_of, price, quantity, word
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ExecType, OrderId, OrderType, OrdStatus, Side, TimeInForce, text_of

_PREFIX, _EXITS = "GTT-", "-exits"
_ENTRY, _STOP = "ENTRY", "STOPLOSS"
_STRATEGIES = frozenset({_ENTRY, _STOP, "TARGET"})
_WAITS = frozenset({"SCHEDULED", "PENDING", "TRIGGERED"})
_OVER: Mapping[str, OrdStatus] = MappingProxyType(
    {
        "OPEN": OrdStatus.CANCELED,  # its order is out, and is another one
        "COMPLETED": OrdStatus.CANCELED,
        "CANCELLED": OrdStatus.CANCELED,
        "EXPIRED": OrdStatus.EXPIRED,
        "FAILED": OrdStatus.REJECTED,
    }
)
_EXCHANGES: Mapping[str, str] = MappingProxyType(
    {"NSE_FO": "NFO", "BSE_FO": "BFO", "MCX_FO": "MCX", "NCD_FO": "CDS", "BCD_FO": "BCD"}
)
_STOPS = frozenset({(Side.BUY, "ABOVE"), (Side.SELL, "BELOW")})
_TOUCHES = frozenset({(Side.BUY, "BELOW"), (Side.SELL, "ABOVE")})


@dataclass(frozen=True, slots=True)
class _Part:
    """What is one order here: its id, its rules, those that come after it, and whether it waits for a fill before it."""

    name: OrderId
    rules: Sequence[wire.GttRule]
    later: Sequence[wire.GttRule] = ()
    is_held: bool = False


def is_gtt(order_id: str) -> bool:
    """Whether an id is one of GTT orders, or ours for the exits of one."""
    return order_id.startswith(_PREFIX)


def gtt_id_of(order_id: str) -> str:
    """The venue's id of a GTT order, whichever part of it is meant."""
    return order_id.removesuffix(_EXITS)


def gtt_reports(gtt: wire.Gtt, heard: Heard, symbols: Symbols) -> Reports:
    """Where a GTT order stands: its entry, and its exits once the entry is over.  Raises `ApiError` for what cannot be read."""
    name = order_id_of(gtt.gtt_order_id)
    if not is_gtt(name) or len({rule.strategy for rule in gtt.rules}) != len(gtt.rules):
        raise ApiError("a GTT order in the reply is none", broker=BROKER)
    entry = next((rule for rule in gtt.rules if rule.strategy == _ENTRY), None)
    if entry is None:
        raise ApiError("a GTT order in the reply has no entry", broker=BROKER)
    exits = [rule for rule in gtt.rules if rule is not entry]
    parts = [_Part(name, [entry], later=exits)]
    if exits and not _is_waiting([entry]):
        is_held = entry.status != "COMPLETED" and _is_waiting(exits)
        parts.append(_Part(order_id_of(f"{name}{_EXITS}"), exits, is_held=is_held))
    return tuple(_report(gtt, part, heard, symbols) for part in parts)


def waiting_reports(listed: Iterable[wire.Gtt], heard: Heard, symbols: Symbols) -> Reports:
    """What waits of those that are listed.  A word nobody knows waits."""
    told = (report for one in listed for report in gtt_reports(one, heard, symbols))
    return tuple(report for report in told if report.ord_status not in _OVER.values())


def asked_reports(found: wire.Gtt | None, order_id: OrderId, heard: Heard, symbols: Symbols) -> Reports:
    """The answer about one part.  What the venue does not have among those that wait is over: it keeps no others."""
    told = () if found is None else gtt_reports(found, heard, symbols)
    if any(report.order_id == order_id for report in told):
        return told
    gone = ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        order_id=order_id,
        ord_status=OrdStatus.CANCELED,
        text="the GTT order waits no more: it was carried out, canceled, or ran out; what it placed is an order by itself",
    )
    return (*told, gone)


def _report(gtt: wire.Gtt, part: _Part, heard: Heard, symbols: Symbols) -> ExecutionReport:
    """One part, by the rule that tells its terms: a stop-loss before a target."""
    rules = part.rules
    shown = next((rule for rule in rules if rule.strategy == _STOP), rules[0])
    side = SIDES.get(shown.transaction_type)
    order_type = _type_of(shown, side)
    odd = _unknown_word(rules, side, order_type)
    trigger = price(shown.trigger_price)
    key = gtt.instrument_token or gtt.instrument_key
    exchange = _EXCHANGES.get(gtt.exchange, gtt.exchange.partition("_")[0])
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd else OrdStatus.HELD if part.is_held else _status_of(rules),
        unrecognised=odd,
        text=_text_of(rules, part.later),
        order_id=part.name,
        symbol=symbols.named(key, exchange=exchange, trading=gtt.trading_symbol),
        side=side,
        order_type=order_type,
        tif=TimeInForce.DAY if gtt.product == "I" else TimeInForce.GTC,
        order_qty=quantity(gtt.quantity),
        price=trigger,
        stop_px=None if order_type is OrderType.LIMIT else trigger,
        made_at=made_at(gtt.created_at),
    )


def _type_of(rule: wire.GttRule, side: Side | None) -> OrderType | None:
    """A rule places a limit order: at once, when the price has run so far (a stop), or when it is so good (a touch)."""
    if rule.strategy != _ENTRY:
        return OrderType.STOP_LIMIT if rule.strategy == _STOP else OrderType.LIMIT_IF_TOUCHED
    if rule.trigger_type == "IMMEDIATE":
        return OrderType.LIMIT
    if (side, rule.trigger_type) in _STOPS:
        return OrderType.STOP_LIMIT
    return OrderType.LIMIT_IF_TOUCHED if (side, rule.trigger_type) in _TOUCHES else None


def _is_waiting(rules: Sequence[wire.GttRule]) -> bool:
    """Whether one of them may yet place an order."""
    return any(rule.status in _WAITS and not rule.order_id for rule in rules)


def _status_of(rules: Sequence[wire.GttRule]) -> OrdStatus:
    if _is_waiting(rules):
        return OrdStatus.NEW
    if any(rule.order_id for rule in rules):
        return OrdStatus.CANCELED
    words = {_OVER[rule.status] for rule in rules if rule.status in _OVER}
    return next((one for one in (OrdStatus.REJECTED, OrdStatus.EXPIRED) if one in words), OrdStatus.CANCELED)


def _unknown_word(rules: Sequence[wire.GttRule], side: Side | None, order_type: OrderType | None) -> str | None:
    """The first word that stands in no table."""
    for rule in rules:
        if rule.strategy not in _STRATEGIES:
            return f"strategy {word(rule.strategy)}"
        if rule.status not in _WAITS and rule.status not in _OVER:
            return f"status {word(rule.status)}"
    if side is None:
        return "transaction_type of a GTT order"
    return None if order_type is not None else "trigger_type of a GTT order"


def _text_of(rules: Sequence[wire.GttRule], later: Sequence[wire.GttRule]) -> str:
    """What people should know: the orders that were placed, the venue's own words, and what comes after."""
    placed = [word(rule.order_id) for rule in rules if rule.order_id]
    if placed:
        told = [f"a GTT order that has placed the order {', '.join(placed)}"]
    else:
        told = ["a GTT order" if len(rules) == 1 else " and ".join(map(_named, rules)) + " of a GTT order"]
    if later:
        told.append(f"then {' and '.join(map(_named, later))}")
    told += [rule.message[:200] for rule in rules if rule.message]
    return "; ".join(told)[:500]


def _named(rule: wire.GttRule) -> str:
    found, gap = number(rule.trigger_price, what="a price"), number(rule.trailing_gap, what="a gap")
    trailed = f", trailed by {text_of(gap)}" if gap else ""
    return f"{word(rule.strategy).lower()}{'' if found is None else f' {text_of(found)}'}{trailed}"
