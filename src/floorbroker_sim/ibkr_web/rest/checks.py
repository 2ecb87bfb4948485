"""What the venue refuses or asks about before an order exists: tickets in, `Wanted` out."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, AssetClass, OrderType, Quantity, Side
from floorbroker.matching import BadOrder
from floorbroker.matching.orders import check_terms
from floorbroker_sim.ibkr_web import info, mapping, wire
from floorbroker_sim.ibkr_web.errors import Refused, broken, order_error
from floorbroker_sim.ibkr_web.rest.records import Wanted
from floorbroker_sim.ibkr_web.rest.state import State

_NEEDS = {
    "LMT": ("price",), "LOC": ("price",), "STP": ("price",), "MIT": ("price",), "TRAIL": ("trailingAmt",),
    "STOP_LIMIT": ("price", "auxPrice"), "LIT": ("price", "auxPrice"),
}  # fmt: skip
_SIZE_MAX = 15
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_LEGS = (2, 6)


def wanted(state: State, ticket: wire.Ticket, account: str) -> Wanted:
    """A ticket that can be worked.  Raises `Refused`."""
    if ticket.acct_id is not None and ticket.acct_id != account:
        raise order_error("The account of the order is not the account of the request")
    side, kind, tif = _words(ticket)
    _check_numbers(ticket, kind)
    if ticket.client_id is not None and len(ticket.client_id) > info.MAX_CLIENT_ID:
        raise order_error("The local order ID is too long")
    conid, symbol, legs = _instrument(state, ticket, side)
    instruments = [_tradable(state, name) for name in ([leg.symbol for leg in legs] or [symbol])]
    order = mapping.new_order(ticket, symbol=symbol, side=side, kind=kind, tif=tif, legs=legs)
    _check_steps(ticket, instruments[0], is_combination=bool(legs))
    try:
        check_terms(order)
    except BadOrder as error:
        raise order_error(f"Invalid order: {error}") from error
    found = Wanted(
        account=account, client_id=ticket.client_id, parent=ticket.parent_id, order=order, side=side, kind=kind, tif=tif,
        conid=conid, conidex=ticket.conidex or str(conid), in_group=ticket.is_single_group,
    )  # fmt: skip
    found.questions = questions(state, found, ticket)
    return found


def _words(ticket: wire.Ticket) -> tuple[Side, str, str]:
    side, kind, tif = (ticket.side or "").upper(), (ticket.order_type or "").upper(), (ticket.tif or "").upper()
    if side not in mapping.SIDES:
        raise broken(f"Invalid side: {ticket.side}")
    if kind not in info.TYPES:
        raise order_error(f"Invalid order type: {ticket.order_type}")
    if tif not in info.TIFS:
        raise order_error(f"Invalid time in force: {ticket.tif}")
    if ticket.all_or_none:
        raise order_error("All or none is not available for this order")
    if ticket.strategy is not None or ticket.is_ccy_conv or ticket.fx_qty is not None:
        raise order_error("The order attribute is not available for this contract")
    return mapping.SIDES[side], kind, tif


def _check_numbers(ticket: wire.Ticket, kind: str) -> None:
    numbers = {
        "quantity": ticket.quantity, "cashQty": ticket.cash_qty, "price": ticket.price, "auxPrice": ticket.aux_price,
        "trailingAmt": ticket.trailing_amt,
    }  # fmt: skip
    for name, value in numbers.items():
        if value is not None and (not value.is_finite() or abs(value.adjusted()) > _SIZE_MAX):
            raise broken(f"Invalid {name}")
        if value is not None and value <= 0 and not (name == "price" and ";;;" in (ticket.conidex or "")):
            raise order_error(f"Invalid {name}: it must be positive")
    for name in _NEEDS.get(kind, ()):
        if numbers[name] is None:
            raise order_error(f"Order is missing required value: {name}")
    if (ticket.quantity is None) == (ticket.cash_qty is None):
        raise order_error("Order needs exactly one of quantity and cashQty")
    if kind == "TRAIL" and ticket.trailing_type not in {"amt", "%"}:
        raise order_error("Order is missing required value: trailingType")


def _instrument(state: State, ticket: wire.Ticket, side: Side) -> tuple[int, str, tuple[OrderLeg, ...]]:
    """The contract's number, its symbol, and the legs of a combination."""
    if (ticket.conid is None) == (ticket.conidex is None):
        raise broken("Order needs exactly one of conid and conidex")
    if ticket.conid is not None:
        return ticket.conid, _symbol(state, ticket.conid), ()
    head, _, tail = (ticket.conidex or "").partition(";;;")
    conid = _conid(head.partition("@")[0])
    if not tail:
        return conid, _symbol(state, conid), ()
    if conid not in info.SPREAD_CONIDS.values():
        raise order_error("Invalid spread contract")
    legs = tuple(_leg(state, part, side) for part in tail.split(","))
    if not _LEGS[0] <= len(legs) <= _LEGS[1] or len({leg.symbol for leg in legs}) < len(legs):
        raise order_error("Invalid combination")
    return conid, legs[0].symbol, legs


def _leg(state: State, part: str, side: Side) -> OrderLeg:
    conid, _, ratio = part.partition("/")
    units = _conid(ratio)
    if not units:
        raise order_error("Invalid ratio of a leg")
    leg_side = side if units > 0 else side.opposite
    return OrderLeg(symbol=_symbol(state, _conid(conid)), side=leg_side, ratio_qty=Quantity(Decimal(abs(units))))


def _conid(text: str) -> int:
    text = text.strip()
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > _SIZE_MAX:
        raise broken("Invalid conidex")
    return int(text)


def _symbol(state: State, conid: int) -> str:
    try:
        return state.symbols.by_conid(conid).symbol
    except KeyError as error:
        raise broken(f"No contract found for conid {conid}") from error


def _tradable(state: State, symbol: str) -> Instrument:
    contract = state.symbols.contract(symbol)
    if contract.option is not None and contract.option.expiry < state.clock.now().date():
        raise order_error("This contract is no longer available for trading")
    return contract.instrument


def _check_steps(ticket: wire.Ticket, instrument: Instrument, *, is_combination: bool) -> None:
    for price in (ticket.price, ticket.aux_price):
        if price is not None and not is_combination and not instrument.is_on_tick(price):
            raise order_error("The price does not conform to the minimum price variation for this contract.")
    if ticket.quantity is not None and not instrument.is_on_lot(ticket.quantity):
        raise order_error("The quantity does not conform to the minimum size for this contract.")
    if is_combination and ticket.quantity is not None and ticket.quantity % 1:
        raise order_error("A combination is ordered in whole units.")


# --- Questions -------------------------------------------------------------------------------------------------------


def questions(state: State, order: Wanted, ticket: wire.Ticket) -> list[str]:
    """Ids of what the venue wants confirmed, in the order it asks."""
    terms, quote = order.order, state.market.quote(order.order.symbol)
    found: list[str] = []
    if quote is None or (quote.bid is None and quote.ask is None):
        found.append("o354")
    if order.kind in {"MKT", "MOC"}:
        found.append("o10151")
    if terms.order_type in _STOPS:
        found.append("o10331")
        if quote is not None and _is_through(terms, quote):
            found.append("o403")
    if terms.notional is not None:
        found.append("o10223")
    if quote is not None and not terms.legs and _is_far(terms, quote):
        found.append("o163")
    if ticket.quantity is not None:
        found += _too_large(state, terms, ticket.quantity, quote)
        if ticket.quantity % 1 and ticket.outside_rth:
            found.append("o2165")
    if order.parent is None and _crosses(state, order):
        found.append("o2137")
    return found


def _is_far(terms: NewOrder, quote: Quote) -> bool:
    """A limit that is worse than the market by more than the percentage."""
    touch = quote.ask if terms.side is Side.BUY else quote.bid
    if terms.order_type is not OrderType.LIMIT or terms.price is None or not touch:
        return False
    return (terms.price - touch) * terms.side.sign > touch * info.PRICE_PERCENT / 100


def _is_through(terms: NewOrder, quote: Quote) -> bool:
    reference = quote.last or quote.mid
    if terms.stop_px is None or reference is None:
        return False
    return (reference - terms.stop_px) * terms.side.sign >= 0


def _too_large(state: State, terms: NewOrder, quantity: Decimal, quote: Quote | None) -> list[str]:
    instrument = state.market.instrument(terms.symbol)
    price = abs(terms.price or terms.stop_px or (quote.mid if quote is not None else None) or ZERO)
    found = ["o383"] if quantity > info.SIZE_LIMIT else []
    return [*found, "o451"] if quantity * price * instrument.multiplier > info.VALUE_LIMIT else found


def _crosses(state: State, order: Wanted) -> bool:
    return any(
        r.order.symbol == order.order.symbol
        and r.side is not order.side
        and r.account == order.account
        and not r.is_held
        for r in state.open.values()
    )


# --- Money -----------------------------------------------------------------------------------------------------------


def account_of(state: State, account: str) -> str:
    """Raises `Refused` for an account that is not one of the user's."""
    if account not in state.ledgers:
        raise Refused(500, "Invalid account ID", plain=True)
    return account


def is_option(instrument: Instrument) -> bool:
    return instrument.asset_class is AssetClass.OPTION
