"""The exits of an entry that waits: promised, and no orders of the venue yet.

OANDA makes them when the entry fills, with ids of their own.  Until then each is known by the id of its entry and what it is
(`11-profit`, `11-loss`), and reported as held; the order that is made in the end replaces that name.
"""

from __future__ import annotations

from collections.abc import Iterator

from floorbroker.brokers.oanda import wire
from floorbroker.domain.values import OrderId

PROFIT, LOSS = "profit", "loss"
KIND_OF = {
    "TAKE_PROFIT": PROFIT,
    "STOP_LOSS": LOSS,
    "GUARANTEED_STOP_LOSS": LOSS,
}


def promised_id(entry_id: str, kind: str) -> OrderId:
    return OrderId(f"{entry_id}-{kind}")


def entry_of(order_id: str) -> str:
    """The entry behind the name of a promised exit; any other id is its own."""
    return order_id.partition("-")[0]


def is_promised(order_id: str) -> bool:
    return "-" in order_id


def promises(entry: wire.Order | wire.Transaction) -> Iterator[tuple[str, wire.OnFill]]:
    """The exits an entry promises: what each is, and its terms."""
    if entry.take_profit_on_fill is not None:
        yield PROFIT, entry.take_profit_on_fill
    loss = entry.stop_loss_on_fill or entry.guaranteed_stop_loss_on_fill
    if loss is not None:
        yield LOSS, loss
