"""The far end of every order target: reports become facts, facts go through their journal form, and the book shows orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from floorbroker.domain import facts as f
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import FactEntry, Identity, Record
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import WIDE, ZERO, IntentId, OrderType, Price, ProfileName, Quantity, Side, TimeInForce
from floorbroker.oms.book import OrderBook
from floorbroker.oms.translate import adoption, facts_of, restated
from floorbroker.store.codec import decode, encode

PROFILE = ProfileName("alpaca-paper")
NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
SHARES = NewOrder(
    symbol="AAPL",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    order_qty=Quantity(Decimal(3)),
    price=Price(Decimal("150.5")),
)
COINS = NewOrder(
    symbol="BTC/USDT",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    order_qty=Quantity(Decimal("0.5")),
    price=Price(Decimal(60_000)),
    tif=TimeInForce.GTC,
)
CURRENCIES = NewOrder(
    symbol="EUR/USD",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    order_qty=Quantity(Decimal(10)),
    price=Price(Decimal("1.1")),
    tif=TimeInForce.GTC,
)


class Ledger:
    """A book with `order` of ours on its way, which every report is taken to be about unless it names a stranger's."""

    def __init__(self, identity: Identity, order: NewOrder) -> None:
        self.book = OrderBook(profile=PROFILE, identity=identity)
        self.cl_ord_id = identity.encode(INTENT)
        self._seq = 0
        prepared = f.Prepared(source=f.Source.OWN, at=NOW, cl_ord_id=self.cl_ord_id, profile=PROFILE, order=order)
        self.add(INTENT, prepared)
        self.add(INTENT, f.Sending(source=f.Source.OWN, at=NOW, deadline_s=5.0, arrival_bound_s=60.0))

    def add(self, intent_id: IntentId, fact: f.Fact) -> None:
        """One fact, by way of the bytes it is kept as."""
        entry = FactEntry(profile=PROFILE, intent_id=intent_id, fact=fact)
        kept = decode(encode(entry))
        assert kept == entry, "a fact changes on its way through the journal"
        self._seq += 1
        self.book.apply(Record(seq=self._seq, epoch=1, at=NOW, entry=kept))

    def take(self, reports: Iterable[ExecutionReport]) -> None:
        """What a venue told, into the book."""
        for report in reports:
            intent_id = self.book.locate(report) or self._adopted(report) or INTENT
            order = self.book.get(intent_id)
            found = facts_of(report, replace_id=self.book.replace_id_of(report))
            found += [] if order is None else restated(order, report)
            for fact in found:
                self.add(intent_id, fact)

    def _adopted(self, report: ExecutionReport) -> IntentId | None:
        founding = adoption(report, profile=PROFILE, parent=None)
        if founding is None:
            return None
        intent_id = IntentId(f"adopted {founding.order_id}")
        self.add(intent_id, founding)
        return intent_id

    def orders(self) -> list[Order]:
        """Every order, each checked against what an order promises."""
        orders = list(self.book)
        for order in orders:
            check(order)
        repr(self.book.holdings.all())
        return orders


def check(order: Order) -> None:
    """What holds of an order whatever a venue said."""
    assert order.cum_qty.is_finite(), "a filled quantity that is no number"
    assert order.leaves_qty is None or order.leaves_qty.is_finite(), "an open quantity that is no number"
    if order.is_open and order.order_qty is not None:
        assert order.order_qty == WIDE.add(order.cum_qty, order.leaves_qty or ZERO), (
            "an open order whose quantities do not add up"
        )
    assert order.avg_px is None or order.avg_px.is_finite(), "an average price that is no number"
