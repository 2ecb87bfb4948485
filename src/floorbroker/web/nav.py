"""The navigation of the page, as data: a new page is one line here and one screen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One entry.  `key` is pressed after `g`; `phone` entries stand in the bar at the bottom of a phone."""

    path: str
    label: str
    key: str = ""
    phone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NavGroup:
    """Entries under one heading."""

    label: str
    items: tuple[NavItem, ...]


NAV = (
    NavGroup(
        label="Trading",
        items=(
            NavItem(path="/overview", label="Overview", key="o", phone=True),
            NavItem(path="/trade", label="Trade", key="t", phone=True),
            NavItem(path="/orders", label="Orders", key="l", phone=True),
            NavItem(path="/positions", label="Positions", key="p", phone=True),
            NavItem(path="/fills", label="Fills", key="f"),
        ),
    ),
    NavGroup(
        label="Desk",
        items=(
            NavItem(path="/accounts", label="Accounts", key="c"),
            NavItem(path="/brokers", label="Brokers", key="b"),
            NavItem(path="/risk", label="Risk", key="r"),
        ),
    ),
    NavGroup(
        label="Strategies",
        items=(
            NavItem(path="/decisions", label="Decisions", key="d"),
            NavItem(path="/backtests", label="Backtests", key="k"),
            NavItem(path="/research", label="Research", key="s"),
        ),
    ),
    NavGroup(
        label="Records",
        items=(
            NavItem(path="/reconciliation", label="Reconciliation", key="n"),
            NavItem(path="/audit", label="Audit", key="a"),
        ),
    ),
    NavGroup(label="Connections", items=(NavItem(path="/webhooks", label="Webhooks and alerts", key="w"),)),
)
