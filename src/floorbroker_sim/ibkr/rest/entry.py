"""`placeOrder`: a new order, a changed one, or a question what it would cost.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#place-order ; flows are those of the fact sheet, C7.
"""

from __future__ import annotations

from dataclasses import replace

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, OrderId, OrderType, Price, Quantity, Side, round_step
from floorbroker.matching import BadOrder, NotOpen
from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.errors import Refused
from floorbroker_sim.ibkr.mapping import SIDES, changes_of, legs_of, new_order
from floorbroker_sim.ibkr.rest import checks, life
from floorbroker_sim.ibkr.rest.preview import preview
from floorbroker_sim.ibkr.rest.records import Record
from floorbroker_sim.ibkr.rest.state import Client, State
from floorbroker_sim.ibkr.wire.contracts import Contract
from floorbroker_sim.ibkr.wire.orders import Placed

LOCATE = "locate"
_CHANGE_FAILED = Refused(134, "Modify order failed.")


def place(state: State, client: Client, placed: Placed) -> None:
    """One message.  Raises `Refused` for what never became an order."""
    if placed.flag("whatIf"):
        contract, terms = read_terms(state, placed)
        client.send(preview(state, client, placed, contract, terms))
        return
    known = state.by_id.get((client.client_id, placed.order_id))
    if known is not None:
        _again(state, known, placed)
    elif placed.order_id <= state.highest.get(client.client_id, 0):
        raise errors.duplicate_order()
    else:
        _fresh(state, client, placed)


def read_terms(state: State, placed: Placed) -> tuple[Contract, NewOrder]:
    """The contract as the venue names it, and the engine's terms.  Raises `Refused`."""
    checks.check_words(state, placed)
    if placed.contract.sec_type == "BAG":
        symbols = {leg.con_id: state.catalogue.symbol_of(leg.con_id) for leg in placed.legs}
        legs = legs_of(placed, symbols)
        if len(legs) < 2:
            raise errors.invalid("a combination needs two legs or more")
        asked = placed.contract
        contract = Contract(symbol=asked.symbol, sec_type="BAG", exchange=asked.exchange, currency=asked.currency)
        return replace(contract, con_id=28812380), new_order(placed, symbol=asked.symbol, legs=legs)
    symbol = state.catalogue.one(placed.contract)
    terms = new_order(placed, symbol=symbol)
    if placed.text("orderType").upper() == "MIDPRICE":
        terms = replace(terms, price=_midpoint(state, placed, terms))
    checks.check_terms(state, placed, terms)
    return state.catalogue.contract(symbol, exchange=placed.contract.exchange), terms


def _midpoint(state: State, placed: Placed, terms: NewOrder) -> Price:
    """The middle of the book when the order comes in, no worse than the cap given as its limit."""
    quote = state.refresh(terms.symbol)
    middle = None if quote is None else quote.mid
    if middle is None:
        raise errors.rejected("there is no market to take the middle of")
    rounding = "ROUND_FLOOR" if terms.side is Side.BUY else "ROUND_CEILING"
    price = round_step(middle, state.market.instrument(terms.symbol).tick_at(middle), rounding)
    cap = placed.number("lmtPrice")
    if not cap:
        return Price(price)
    return Price(min(price, cap) if terms.side is Side.BUY else max(price, cap))


# --- New -------------------------------------------------------------------------------------------------------------


def _fresh(state: State, client: Client, placed: Placed) -> None:
    contract, terms = read_terms(state, placed)
    parent = _parent(state, client, placed)
    record = Record(
        key=str(perm := state.next_perm()),
        client_id=client.client_id,
        perm_id=perm,
        account=placed.text("account") or state.account,
        placed=placed,
        contract=contract,
        order=terms,
        created_at=state.clock.now(),
        parent=parent,
        oca=placed.text("ocaGroup"),
        oca_type=placed.whole("ocaType") or (1 if placed.text("ocaGroup") else 0),
    )
    state.add(record)
    if parent is not None:
        _join(parent, record)
    if placed.flag("transmit"):
        _transmit_family(state, record)


def _parent(state: State, client: Client, placed: Placed) -> Record | None:
    number = placed.whole("parentId")
    if not number:
        return None
    parent = state.by_id.get((client.client_id, number))
    if parent is None or not (parent.is_open or parent.status == "Filled"):
        raise errors.missing_parent(number)
    return parent


def _join(parent: Record, child: Record) -> None:
    """Exits of one entry stand in a group of their own, of the kind that takes from the others what was filled."""
    parent.children.append(child)
    if not child.oca:
        child.oca, child.oca_type = str(parent.perm_id), 3


def _transmit_family(state: State, record: Record) -> None:
    """What was kept back for it goes first: the parent, then older siblings."""
    if record.parent is not None:
        if not record.parent.transmitted:
            _transmit(state, record.parent)
        for sibling in record.parent.children:
            if not sibling.transmitted and sibling is not record:
                _transmit(state, sibling)
    _transmit(state, record)


def _transmit(state: State, record: Record) -> None:
    if not state.link_up:
        record.transmitted = True
        state.queued.append(lambda: _send_on(state, record))
        if (client := state.clients.get(record.client_id)) is not None:
            client.send(checks.kept_back(record, client.version))
        return
    _send_on(state, record)


def _send_on(state: State, record: Record) -> None:
    """From the program to the broker, who looks at the money first."""
    if not record.is_open:
        return
    record.transmitted = True
    try:
        checks.check_account(state, record)
    except Refused as refused:
        state.complain(record, refused)
        record.status, record.closed_at, record.closed_text = "Inactive", state.clock.now(), refused.text
        state.show(record)
        _drop_children(state, record)
        return
    checks.warn(state, record)
    record.status = "PreSubmitted"
    if record.waits_for_parent:
        record.why_held = "child"
        state.show(record)
    elif _must_locate(state, record):
        record.why_held = LOCATE
        state.complain(record, errors.locating())
        state.show(record)
    else:
        if record.order.order_type is not OrderType.TRAILING_STOP:
            state.show(record)
        life.enter(state, record)


def _drop_children(state: State, record: Record) -> None:
    for child in record.children:
        if child.is_open:
            life.close(state, child, "Cancelled", "parent rejected")


def _must_locate(state: State, record: Record) -> bool:
    """A short sale of what is hard to borrow waits until the shares are found (control door)."""
    terms = record.order
    opens_short = terms.side is Side.SELL and state.ledger.qty(terms.symbol) < (terms.order_qty or ZERO)
    return opens_short and terms.symbol in info.HARD_TO_BORROW


def located(state: State, record: Record) -> None:
    """The shares are there: the order works."""
    record.why_held = ""
    life.enter(state, record)


# --- Changed ---------------------------------------------------------------------------------------------------------


def _again(state: State, record: Record, placed: Placed) -> None:
    """The same number again: new terms.  Raises `Refused`; then the order lives on as it was."""
    if record.status == "Filled":
        raise errors.modify_filled()
    if not record.is_open:
        raise errors.duplicate_order()
    contract, terms = read_terms(state, placed)
    if contract.con_id != record.contract.con_id or SIDES.get(placed.text("action").upper()) is not record.order.side:
        raise errors.other_order()
    if placed.text("orderType").upper() != record.placed.text("orderType").upper():
        raise errors.other_type()
    if not record.transmitted:
        record.placed, record.order = placed, terms
        if placed.flag("transmit"):
            _transmit_family(state, record)
        return
    if not state.link_up:
        state.queued.append(lambda: _late_change(state, record, placed, terms))
        return
    _change(state, record, placed, terms)


def _late_change(state: State, record: Record, placed: Placed, terms: NewOrder) -> None:
    """A change that waited for the link; the order may be over by now."""
    if not record.is_open:
        state.complain(record, errors.modify_filled() if record.status == "Filled" else _CHANGE_FAILED)
        return
    try:
        _change(state, record, placed, terms)
    except Refused as refused:
        state.complain(record, refused)


def _change(state: State, record: Record, placed: Placed, terms: NewOrder) -> None:
    if (terms.order_qty or ZERO) <= record.filled:
        raise _CHANGE_FAILED
    stale, before = record.shown(), record.placed
    record.placed = placed
    try:
        events = _changed_at_engine(state, record, terms)
    except (BadOrder, NotOpen) as error:
        record.placed = before
        raise _CHANGE_FAILED from error
    if state.settings.shows_replaced:
        record.stale = stale
    state.absorb(events)
    if record.is_open:
        state.show(record)


def _changed_at_engine(state: State, record: Record, terms: NewOrder) -> list[life.Event]:
    at = state.clock.stamp()
    if not record.entered:
        record.order = terms
        return []
    if terms.legs:
        return _sent_anew(state, record, terms)
    if record.placed.text("orderType").upper().startswith("TRAIL LIMIT"):
        raise BadOrder("a trailing limit that was elected is a limit by now")
    changes = changes_of(record.order, replace(terms, order_qty=Quantity(terms.order_qty or ZERO)))
    if changes == changes_of(terms, terms):
        return []
    return state.engine.replace(OrderId(record.key), changes, at=at)


def _sent_anew(state: State, record: Record, terms: NewOrder) -> list[life.Event]:
    """A combination fills whole or not at all, so a new one in its place is the same to everybody outside."""
    old = record.key
    del state.orders[old]
    state.engine.cancel(OrderId(old), at=state.clock.stamp())
    record.key, record.order = f"{record.perm_id}.{len(state.orders)}.{state.next_perm()}", terms
    state.orders[record.key] = record
    return state.engine.submit(OrderId(record.key), terms, at=state.clock.stamp())
