"""Placing and previewing an order.  "ok" means taken for review: what the risk system says shows in the order.

https://documentation.tradier.com/brokerage-api/trading/place-equity-order
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.http import Request
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.mapping import inside, time_text, units
from floorbroker_sim.tradier.rest import checks, families, risk, working
from floorbroker_sim.tradier.rest.form import Part, Wish, read
from floorbroker_sim.tradier.rest.reading import params_of
from floorbroker_sim.tradier.rest.records import Record
from floorbroker_sim.tradier.rest.rendering import Body

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_CENT = Decimal("0.01")


def post_order(state: State, request: Request) -> Body:
    wish = read(params_of(request))
    found = checks.complaints(state, wish)
    if found:
        raise Refused(400, *found, plain=found[0].startswith("Invalid parameter"))
    record = _record(state, wish)
    if wish.preview:
        return _preview(state, record)
    state.add(record)
    state.tell(record)
    if record.is_family:
        families.start(state, record)
    else:
        working.begin(state, record)
    return {"order": {"id": record.id, "status": "ok", "partner_id": state.uuid()}}


def _record(state: State, wish: Wish) -> Record:
    """The order and its legs, not yet remembered."""
    at = state.clock.stamp()
    first = wish.parts[0]
    if len(wish.parts) == 1:
        return _single(state, wish, first, at)
    head = Record(
        id=state.next_id(), kind=wish.kind, symbol=first.symbol, side=first.side.partition("_")[0],
        type=wish.type or first.type, duration=wish.duration, quantity=first.quantity or ZERO, created_at=at, updated_at=at,
        price=wish.price, tag=wish.tag,
    )  # fmt: skip
    for part in wish.parts:
        leg = _single(state, wish, part, at)
        leg.kind = "option" if part.option_symbol else "equity"
        leg.tag, leg.parent = "", head
        if head.is_strategy:
            leg.type, leg.price = wish.type, wish.price
        head.legs.append(leg)
    if head.is_strategy:
        head.strategy = strategy_name(head)
        head.quantity = Decimal(units(head))
    return head


def _single(state: State, wish: Wish, part: Part, at: datetime) -> Record:
    return Record(
        id=state.next_id(), kind=wish.kind, symbol=part.symbol, option_symbol=part.option_symbol or None, side=part.side,
        type=part.type, duration=part.duration or wish.duration, quantity=part.quantity or ZERO, price=part.price,
        stop=part.stop, tag=wish.tag, created_at=at, updated_at=at,
    )  # fmt: skip


def strategy_name(head: Record) -> str:
    """What the venue calls the legs: from their number, rights and sides."""
    options = [leg for leg in head.legs if leg.option_symbol]
    rights = {(leg.option_symbol or "")[-9] for leg in options}
    if len(options) < len(head.legs):
        if len(options) == 2:
            return "collar"
        return "covered_call" if options[0].sign < 0 else "protective_put" if rights == {"P"} else "unknown"
    if len(options) == 2 and len(rights) == 2 and options[0].sign == options[1].sign:
        same = len({(leg.option_symbol or "")[-8:] for leg in options}) == 1
        return "straddle" if same else "strangle"
    if len(options) == 2:
        return "spread" if options[0].sign != options[1].sign else "unknown"
    return "butterfly" if len(options) == 3 else "condor" if len(rights) == 2 else "unknown"


def _preview(state: State, record: Record) -> Body:
    """What the order would cost and take; a rejection to come is an errors object."""
    singles = record.legs if record.is_family else [record]
    for one in singles[:1]:
        refusal = risk.refusal(state, one)
        if refusal is not None:
            raise Refused(200, refusal)
    one = singles[0]
    cost = _order_cost(state, one)
    contracts = sum((leg.quantity for leg in one.legs or [one] if leg.option_symbol), ZERO)
    commission = state.settings.option_fee * contracts
    margin = (one.reserve * one.quantity / (info.LEVERAGE[state.account_type] if one.kind == "equity" else 1)).quantize(
        _CENT
    )
    body: dict[str, object] = {
        "status": "ok", "commission": commission, "cost": cost + commission, "fees": 0, "symbol": record.symbol,
        "quantity": record.quantity, "side": record.side, "type": record.type, "duration": record.duration,
    }  # fmt: skip
    optional = {"price": record.price, "stop_price": record.stop, "option_symbol": record.option_symbol}
    body |= {name: value for name, value in optional.items() if value is not None}
    body |= {
        "result": True, "order_cost": cost, "margin_change": margin, "option_requirement": 0,
        "request_date": time_text(state.clock.now())[:-1], "extended_hours": record.duration in {"pre", "post"},
        "class": record.kind, "strategy": record.strategy or record.kind, "day_trades": 0,
    }  # fmt: skip
    return {"order": body}


def _order_cost(state: State, record: Record) -> Decimal:
    """Signed dollars that the order moves at its price, or at the market's."""
    if record.is_strategy:
        return risk.strategy_price(state, record)
    quote = state.market.quote(inside(record.traded))
    touch = None if quote is None else quote.ask if record.sign > 0 else quote.bid
    price = record.price or record.stop or touch or ZERO
    multiplier = info.MULTIPLIER if record.option_symbol else 1
    return (record.sign * record.quantity * price * multiplier).quantize(_CENT)
