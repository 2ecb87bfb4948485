"""What a strategy decided and why: one line of JSON for each wish, and where the line is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import text_of, time_text
from floorbroker.strategy.wishes import Ordered


@frozen
class Decision:
    """One wish with what the strategy looked at; `cause` names the event it was made on."""

    at: datetime
    act: str  # place, cancel or change
    cause: str
    ordered: Ordered
    market_context: Mapping[str, str]

    def members(self, *, strategy: str) -> dict[str, Any]:
        """As the log has it: numbers are text, times UTC."""
        return {
            "time": time_text(self.at),
            "strategy": strategy,
            "act": self.act,
            "cause": self.cause,
            "wish": self.ordered.wish,
            "order": _order(self.ordered.order),
            "ord_status": self.ordered.ord_status.value,
            "market_context": dict(self.market_context),
            "agent_reasoning": self.ordered.order.reason or self.ordered.reason,
            "refused": self.ordered.reason,
        }


def _order(order: NewOrder) -> dict[str, str]:
    numbers: dict[str, Decimal | None] = {
        "quantity": order.order_qty,
        "notional": order.notional,
        "limit_price": order.price,
        "stop_price": order.stop_px,
    }
    words = {
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.order_type.value,
        "time_in_force": order.tif.value,
    }
    return words | {name: text_of(value) for name, value in numbers.items() if value is not None}
