"""Messages of the program as tests need them: whole, with the members that matter given."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.mapping.reports import Heard
from floorbroker.domain.facts import Source

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
HEARD = Heard(source=Source.STREAM, at=NOW)
OURS = "019caf10-63a0-75f1-9000-eb098600669f"
AAPL = wire.Contract(
    con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD", local_symbol="AAPL"
)
CLIENT, PERM = 17, 1_000_000_001
ACCOUNT = "DU1234567"


def order(**terms: Any) -> wire.Order:
    """A limit to buy ten shares for the day."""
    given: dict[str, Any] = {
        "action": "BUY", "total_quantity": Decimal(10), "order_type": "LMT", "lmt_price": Decimal(185), "tif": "DAY",
        "order_ref": OURS, "account": ACCOUNT,
    }  # fmt: skip
    return wire.Order(**{**given, **terms})


def row(
    status: str = "Submitted", *, order_id: int = 5, contract: wire.Contract = AAPL, **terms: Any
) -> wire.OpenOrder:
    """`openOrder`."""
    perm_id, client_id = terms.pop("perm_id", PERM), terms.pop("client_id", CLIENT)
    return wire.OpenOrder(
        order_id=order_id, client_id=client_id, perm_id=perm_id, contract=contract, order=order(**terms), status=status
    )


def told(
    status: str, filled: int = 0, *, order_id: int = 5, perm_id: int = PERM, why_held: str = ""
) -> wire.OrderStatus:
    """`orderStatus` of ten shares."""
    return wire.OrderStatus(
        order_id=order_id, status=status, filled=Decimal(filled), remaining=Decimal(10 - filled),
        avg_fill_price=Decimal(185) if filled else Decimal(0), perm_id=perm_id, parent_id=0, last_fill_price=None,
        client_id=CLIENT, why_held=why_held,
    )  # fmt: skip


def done(status: str, filled: int = 0, *, text: str = "", **terms: Any) -> wire.CompletedOrder:
    """`completedOrder`."""
    return wire.CompletedOrder(
        perm_id=terms.pop("perm_id", PERM), parent_perm_id=terms.pop("parent_perm_id", None), contract=AAPL,
        order=order(**terms), status=status, filled_quantity=Decimal(filled), completed_time="20260302 10:00:00 US/Eastern",
        completed_status=text,
    )  # fmt: skip


def execution(exec_id: str = "0000e0d5.6576fd38.01.01", **given: Any) -> wire.Execution:
    """`execDetails` of ten shares at 185."""
    members: dict[str, Any] = {
        "req_id": -1, "order_id": 5, "contract": AAPL, "exec_id": exec_id, "time": "20260302 10:00:00 US/Eastern",
        "account": ACCOUNT, "exchange": "NASDAQ", "side": "BOT", "shares": Decimal(10), "price": Decimal(185), "perm_id": PERM,
        "client_id": CLIENT, "liquidation": 0, "cum_qty": Decimal(10), "avg_price": Decimal(185), "order_ref": OURS,
    }  # fmt: skip
    return wire.Execution(**{**members, **given})


def code(number: int, text: str = "words", *, at: int = 5) -> wire.Error:
    """`error` about an order or a question; -1 is about neither."""
    return wire.Error(id=at, code=number, text=text)
