"""What the log of an account says about orders, as execution reports: one entry at a time, whoever brought it.

An order of this venue fills once.  What it did not fill then is canceled, or made anew under another id, in the same batch.  So a
fill's units are the order's total, and the entries after it tell what becomes of the rest.
A word outside its table goes into `unrecognised`, and then the report claims no status.
Document: developer.oanda.com/rest-live-v20/transaction-df.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.errors import DUPLICATE
from floorbroker.brokers.oanda.mapping.exits import KIND_OF, PROFIT
from floorbroker.brokers.oanda.mapping.identity import OandaIdentity
from floorbroker.brokers.oanda.mapping.ledger import CANCEL, FILL, Ledger, Terms, client_id_of, kind_of
from floorbroker.brokers.oanda.mapping.units import side_of
from floorbroker.brokers.oanda.mapping.values import (
    from_wire_symbol,
    lenient_moment,
    needed,
    number,
    word,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.frozen import frozen
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ZERO,
    ClOrdId,
    ExecId,
    ExecType,
    Money,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
)

Reports = tuple[ExecutionReport, ...]

EXPIRED_REASON = "TIME_IN_FORCE_EXPIRED"
_ASKED_FOR = frozenset({"CLIENT_REQUEST", "CLIENT_REQUEST_REPLACED"})
_EXITS_FILL = frozenset(
    {"TAKE_PROFIT_ORDER", "STOP_LOSS_ORDER", "GUARANTEED_STOP_LOSS_ORDER", "TRAILING_STOP_LOSS_ORDER"}
)
_REJECTED = "_ORDER_REJECT"


@frozen
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


class Reader:
    """Turns entries into reports, and remembers in the ledger what later ones leave out.

    `currency` is that of the account, which fees are told in.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.currency = ""
        self._identity = OandaIdentity()

    def read(self, entry: wire.Transaction, heard: Heard) -> Reports:
        """What one entry says of orders.  Raises `ApiError` for a number that is none."""
        self.ledger.learn(entry)
        if entry.type in (FILL, CANCEL) and not entry.order_id:
            return (self._of_no_order(entry, heard),)
        if entry.type == FILL:
            return self._fill(entry, heard)
        if entry.type == CANCEL:
            return self._cancel(entry, heard)
        if entry.type.endswith(_REJECTED):
            return self._reject(entry, heard)
        terms = self.ledger.terms(entry.id) if kind_of(entry) else None
        return () if terms is None else self._made(entry, terms, heard)

    # -- made -----------------------------------------------------------------------------------------------------------

    def _made(self, entry: wire.Transaction, terms: Terms, heard: Heard) -> Reports:
        if heard.source is Source.STREAM and not self._is_understood(terms):
            return ()  # the log is read after each opening, and the orders that wait ever again: they tell it whole
        return (*self._promise_before(terms, heard), *self._standing(terms, heard), *self._dropped(terms, heard))

    def _is_understood(self, terms: Terms) -> bool:
        """Whether all is known that an order goes on for: without it, it would pass for a new one."""
        behind = (terms.parent, terms.replaces)
        is_placed = not terms.is_of_a_trade or terms.side is not None
        return is_placed and all(self.ledger.terms(one) is not None for one in behind if one is not None)

    def waiting(self, terms: Terms, heard: Heard) -> Reports:
        """An order that waits, told from its beginning: what it goes on for first, so that nobody takes it for a new one."""
        chain = self.ledger.chain(terms.order_id)
        told = [report for one in chain for report in self._standing(one, heard)]
        return (*self._promise_before(chain[0], heard), *told)

    def _standing(self, terms: Terms, heard: Heard) -> Reports:
        return (self.standing(terms, heard), *(self._promise(terms, kind, at, heard) for kind, at in terms.exits))

    def _promise_before(self, terms: Terms, heard: Heard) -> Reports:
        """The promise that an exit was made for, and those before that."""
        kind = KIND_OF.get(terms.kind)
        if terms.parent is None or kind is None:
            return ()
        entries = [entry for entry in self.ledger.chain(terms.parent) if kind in dict(entry.exits)]
        return tuple(self._promise(entry, kind, dict(entry.exits)[kind], heard) for entry in entries)

    def standing(self, terms: Terms, heard: Heard) -> ExecutionReport:
        """An order that waits, with its terms."""
        odd = unknown_words(terms)
        replaces = self._forerunner(terms)
        return ExecutionReport(
            exec_type=ExecType.ORDER_STATUS if odd or replaces is None else ExecType.REPLACED,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            ord_status=None if odd else OrdStatus.NEW,
            unrecognised=odd,
            cl_ord_id=ClOrdId(terms.client_id) if terms.client_id else None,
            order_id=OrderId(terms.order_id),
            symbol=terms.symbol,
            side=terms.side,
            order_type=terms.order_type,
            tif=terms.tif,
            order_qty=self.ledger.closing(terms) if terms.is_of_a_trade else terms.order_qty,
            price=terms.price,
            stop_px=terms.stop_px,
            trail_amount=terms.trail_amount,
            replaces=replaces,
            parent_order_id=OrderId(terms.parent) if terms.parent else None,
            transact_time=terms.made_at,
            made_at=terms.made_at,
        )

    def _forerunner(self, terms: Terms) -> OrderId | None:
        """The order, or the promise, that an order goes on for."""
        if terms.replaces is not None:
            return OrderId(terms.replaces)
        entry = self.ledger.terms(terms.parent)
        kind = KIND_OF.get(terms.kind)
        if entry is None or kind is None or kind not in dict(entry.exits):
            return None
        return entry.promised(kind)

    def _promise(self, entry: Terms, kind: str, at: Decimal | None, heard: Heard) -> ExecutionReport:
        """An exit that waits for its entry; of an entry that replaces another it goes on for that one's."""
        before = self.ledger.terms(entry.replaces)
        is_changed = before is not None and self.ledger.filled(entry.replaces) is None and kind in dict(before.exits)
        return ExecutionReport(
            exec_type=ExecType.REPLACED if is_changed else ExecType.HELD,
            ord_status=OrdStatus.HELD,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            order_id=entry.promised(kind),
            symbol=entry.symbol,
            side=None if entry.side is None else entry.side.opposite,
            order_type=OrderType.LIMIT if kind == PROFIT else OrderType.STOP,
            order_qty=entry.order_qty,
            price=None if at is None or kind != PROFIT else Price(at),
            stop_px=None if at is None or kind == PROFIT else Price(at),
            replaces=before.promised(kind) if is_changed and before is not None else None,
            parent_order_id=OrderId(entry.order_id),
            transact_time=entry.made_at,
            made_at=entry.made_at,
        )

    def _dropped(self, entry: Terms, heard: Heard) -> Reports:
        """Exits of the entry before a change that the changed one does not have."""
        before = self.ledger.terms(entry.replaces)
        if before is None or self.ledger.filled(entry.replaces) is not None:
            return ()
        kept = dict(entry.exits)
        return tuple(
            _ended(before.promised(kind), OrdStatus.CANCELED, heard, text="left out of a change of its entry")
            for kind, _ in before.exits
            if kind not in kept
        )

    # -- ended ----------------------------------------------------------------------------------------------------------

    def _fill(self, entry: wire.Transaction, heard: Heard) -> Reports:
        units = needed(entry.units, what="the units of a fill")
        terms = self.ledger.terms(entry.order_id)
        is_exit = entry.reason in _EXITS_FILL
        report = ExecutionReport(
            exec_type=ExecType.TRADE,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            ord_status=_status_after(abs(units), terms, is_exit=is_exit),
            cl_ord_id=self._name(entry, terms),
            order_id=OrderId(entry.order_id or ""),
            symbol=from_wire_symbol(entry.instrument),
            side=side_of(units),
            order_qty=Quantity(abs(units)) if is_exit else None,
            replaces=OrderId(entry.order_id or "")
            if is_exit
            else None,  # whatever it was made for, it closed its trade
            cum_qty=Quantity(abs(units)),
            avg_px=number(entry.price, what="a price"),
            last_qty=Quantity(abs(units)),
            last_px=Price(needed(entry.price, what="the price of a fill")),
            exec_id=ExecId(entry.id),
            fee=self._fee(entry),
            transact_time=lenient_moment(entry.time),
        )
        return (report, *self._unkept(entry, terms, heard))

    def _of_no_order(self, entry: wire.Transaction, heard: Heard) -> ExecutionReport:
        """What ended an order and does not say which; our own id may tell whose it is, and nothing more is known."""
        return ExecutionReport(
            exec_type=ExecType.ORDER_STATUS,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            cl_ord_id=self._name(entry, None),
            symbol=from_wire_symbol(entry.instrument),
            unrecognised=f"{entry.type} {word(entry.id)} names no order",
            transact_time=lenient_moment(entry.time),
        )

    def _unkept(self, entry: wire.Transaction, terms: Terms | None, heard: Heard) -> Reports:
        """A fill that only closes opens no trade: the exits of its order have nothing to close."""
        if terms is None or entry.trade_opened is not None:
            return ()
        return self._without_exits(terms, heard, text="the fill opened no trade")

    def _without_exits(self, terms: Terms, heard: Heard, *, text: str) -> Reports:
        return tuple(_ended(terms.promised(kind), OrdStatus.CANCELED, heard, text=text) for kind, _ in terms.exits)

    def _cancel(self, entry: wire.Transaction, heard: Heard) -> Reports:
        """Replaced, expired, or canceled; refused where the order was made in the same batch and could not fill."""
        order_id = OrderId(entry.order_id or "")
        terms = self.ledger.terms(entry.order_id)
        report = ExecutionReport(
            exec_type=ExecType.CANCELED,
            ord_status=OrdStatus.CANCELED,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            cl_ord_id=self._name(entry, terms),
            order_id=order_id,
            symbol=terms.symbol if terms is not None else "",
            text=word(entry.reason) or None,
            transact_time=lenient_moment(entry.time),
        )
        if entry.replaced_by_order_id:
            after = OrderId(entry.replaced_by_order_id)
            return (replace(report, exec_type=ExecType.REPLACED, ord_status=None, replaced_by=after),)
        if entry.reason == EXPIRED_REASON:
            report = replace(report, exec_type=ExecType.EXPIRED, ord_status=OrdStatus.EXPIRED)
        elif self._was_refused(entry):
            report = replace(report, exec_type=ExecType.REJECTED, ord_status=OrdStatus.REJECTED)
        if terms is None or self.ledger.filled(entry.order_id) is not None:
            return (report,)
        return (report, *self._without_exits(terms, heard, text="its entry is over"))

    def _was_refused(self, entry: wire.Transaction) -> bool:
        is_at_once = entry.batch_id is not None and entry.batch_id == entry.order_id
        return is_at_once and entry.reason not in _ASKED_FOR and self.ledger.filled(entry.order_id) is None

    def _reject(self, entry: wire.Transaction, heard: Heard) -> Reports:
        """An order that never was.  A second one under our id says that the first is there, and nothing else.

        The refusal of a change answers whoever waits for it now, so it is told when it happens and not from history.
        """
        name = client_id_of(entry, self._identity)
        text = word(entry.reject_reason) or None
        report = ExecutionReport(
            exec_type=ExecType.REJECTED,
            ord_status=OrdStatus.REJECTED,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            cl_ord_id=ClOrdId(name) if name else None,
            symbol=from_wire_symbol(entry.instrument),
            text=text,
            transact_time=lenient_moment(entry.time),
        )
        if entry.intended_replaces_order_id is not None:
            changed = OrderId(entry.intended_replaces_order_id)
            is_news = heard.source is Source.STREAM
            refused = replace(
                report, exec_type=ExecType.REPLACE_REJECTED, ord_status=None, order_id=changed, cl_ord_id=None
            )
            return (refused,) if is_news else ()
        return () if name is None or entry.reject_reason == DUPLICATE else (report,)

    def _name(self, entry: wire.Transaction, terms: Terms | None) -> ClOrdId | None:
        name = entry.client_order_id or (terms.client_id if terms is not None else None)
        return ClOrdId(name) if name else None

    def _fee(self, entry: wire.Transaction) -> Money | None:
        cost = sum(
            (number(part, what="a fee") or ZERO for part in (entry.commission, entry.guaranteed_execution_fee)), ZERO
        )
        return Money(cost, self.currency) if cost and self.currency else None


def unknown_words(terms: Terms) -> str | None:
    """The first word of an order that stands in no table; an absent one is not unknown."""
    if terms.order_type is None:
        return f"type {word(terms.kind)}"
    if terms.tif_word and terms.tif is None:
        return f"timeInForce {word(terms.tif_word)}"
    return None


def _status_after(units: Decimal, terms: Terms | None, *, is_exit: bool) -> OrdStatus | None:
    """An exit closes all of its trade; of an entry that filled in part the log tells on."""
    is_whole = is_exit or (terms is not None and terms.order_qty == units)
    return OrdStatus.FILLED if is_whole else None


def _ended(order_id: OrderId, status: OrdStatus, heard: Heard, *, text: str) -> ExecutionReport:
    return ExecutionReport(
        exec_type=ExecType.CANCELED,
        ord_status=status,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        order_id=order_id,
        text=text,
    )
