"""One order for people: its members, then a table each for its route, the parts and children of a split one, and its fills."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from floorbroker.cli.settings import Settings
from floorbroker.cli.show import Column, Row, show_one, show_table
from floorbroker.domain.values import text_of

SUMS = (  # what candidates and parts are reckoned with; each strategy has its own
    Column("TOUCH", "touch_px", right=True),
    Column("AVG", "avg_px", right=True),
    Column("PRICE BPS", "price_bps", right=True),
    Column("DEPTH BPS", "depth_bps", right=True),
    Column("FEE BPS", "fee_bps", right=True),
    Column("LATENCY BPS", "latency_bps", right=True),
    Column("TOTAL BPS", "total_bps", right=True),
    Column("OPEN", "open_orders", right=True),
    Column("WEIGHT", "weight", right=True),
    Column("HEALTH", "health", right=True),
    Column("BUDGET", "budget_left", right=True),
    Column("LOAD", "load", right=True),
)
CANDIDATE = (Column("PROFILE", "profile"), Column("TAKEN", "taken"))
PART = (Column("PART", "part", right=True), Column("PROFILE", "profile"), Column("QTY", "quantity", right=True))
REASON, LEFT = Column("WHY", "reason"), Column("NO ORDER BECAUSE", "left")
CHILDREN = (
    Column("PART", "part", right=True),
    Column("ID", "id"),
    Column("PROFILE", "profile"),
    Column("QTY", "quantity", right=True),
    Column("FILLED", "cum_qty", right=True),
    Column("AVG", "avg_px", right=True, quotient=True),
    Column("STATUS", "ord_status"),
    Column("REFUSED BECAUSE", "reject_reason"),
)
EXECUTIONS = (
    Column("FILLED AT", "time"),
    Column("QTY", "quantity", right=True),
    Column("PRICE", "price", right=True),
    Column("FEE", "fee", right=True),
    Column("IN", "fee_currency"),
    Column("EXEC ID", "exec_id"),
)
_TABLES = ("children", "fills", "routing")


def show_order(settings: Settings, found: Row) -> None:
    """The document for programs; for people what is flat as a list, and what is nested as tables."""
    if settings.json:
        show_one(settings, found)
        return
    routing: dict[str, Any] = found["routing"] or {}
    told = {**found, "rule": routing.get("rule"), "tried": routing.get("tried") if routing.get("moves") else None}
    show_one(settings, told, [name for name in told if name not in _TABLES])
    show_candidates(settings, routing.get("candidates", ()))
    show_parts(settings, routing.get("parts", ()))
    if found["children"]:
        show_table(settings, found["children"], CHILDREN)
    if found["fills"]:
        show_table(settings, found["fills"], EXECUTIONS)


def show_candidates(settings: Settings, candidates: Sequence[Row]) -> None:
    """Everybody that a route looked at, in its order, with the numbers behind it."""
    _show_reckoned(settings, candidates, CANDIDATE, REASON)


def show_parts(settings: Settings, parts: Sequence[Row]) -> None:
    """The parts of a plan, and why one has no order."""
    _show_reckoned(settings, parts, PART, *([LEFT] if any(part["left"] for part in parts) else []))


def missing_of(order: Row) -> str:
    """Units of an open split order that have no order, and did not fill; empty where there are none."""
    if not order["children"] or not order["is_open"]:
        return ""
    missing = Decimal(order["quantity"]) - Decimal(order["cum_qty"]) - Decimal(order["leaves_qty"])
    return text_of(missing) if missing > 0 else ""


def _show_reckoned(settings: Settings, rows: Sequence[Row], first: Sequence[Column], *last: Column) -> None:
    if not rows:
        return
    flat: list[dict[str, Any]] = [{**row["arithmetic"], **row} for row in rows]
    sums = [column for column in SUMS if any(column.member in row for row in flat)]
    show_table(settings, flat, [*first, *sums, *last])
