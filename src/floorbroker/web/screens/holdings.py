"""What is held, what was filled, and the accounts behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.frozen import frozen
from floorbroker.domain.records import Account, Balance
from floorbroker.domain.values import ProfileName, time_text
from floorbroker.gateway.consolidated import left_out
from floorbroker.gateway.desk import Desk, Fill, OrderFilter, Page
from floorbroker.web.frame import PULSE_MS, VENUES_MS, Ask, Screen
from floorbroker.web.panels import partial

FILLS_A_PAGE = 200
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


async def positions(ask: Ask) -> Mapping[str, Any]:
    """Per profile, and netted over all of them where several are shown."""
    held = await ask.held()
    if len(ask.names) < 2:
        return {"held": held, "netted": ()}
    whole = await ask.whole()
    return {"held": held, "netted": whole.positions}


async def fills(ask: Ask) -> Mapping[str, Any]:
    """Newest first, a page at a time; the address says where a page begins."""
    symbol = ask.params.get("symbol", "").strip().upper()
    where = OrderFilter(profile=ask.profile, symbol=symbol or None)
    after = after_of(ask.params.get("after", ""))
    rows = ask.desk.fills(where, Page(limit=FILLS_A_PAGE + 1, after=after))
    shown = rows[:FILLS_A_PAGE]
    following = place_of(shown[-1]) if len(rows) > FILLS_A_PAGE else ""
    return {"fills": shown, "following": following, "is_first": after is None, "symbol": symbol}


def place_of(fill: Fill) -> str:
    """Where the page behind this row begins, for an address."""
    return f"{time_text(fill.execution.transact_time)}~{fill.intent_id}/{fill.execution.exec_id}"


def after_of(text: str) -> tuple[datetime, str] | None:
    """What `place_of` wrote; anything else is the beginning."""
    moment, _, key = text.partition("~")
    try:
        return (datetime.strptime(moment, _TIME).replace(tzinfo=UTC), key) if key else None
    except ValueError:
        return None


@frozen
class ShownAccount:
    """One account with its balances, or why it cannot be shown."""

    profile: ProfileName
    account: Account | None = None
    balances: tuple[Balance, ...] = ()
    trouble: str = ""


async def accounts(ask: Ask) -> Mapping[str, Any]:
    """Each account as its venue tells it, and all of them as one."""
    whole = await ask.whole()
    return {
        "whole": whole,
        "trouble": partial(left_out(whole)),
        "accounts": [await _account(ask.desk, name) for name in ask.names],
    }


async def _account(desk: Desk, name: ProfileName) -> ShownAccount:
    try:
        return ShownAccount(profile=name, account=await desk.account(name), balances=await desk.balances(name))
    except FloorbrokerError as error:
        return ShownAccount(profile=name, trouble=error.detail)


POSITIONS = Screen(
    path="/positions",
    title="Positions",
    template="positions.html",
    build=positions,
    live=("fills", "positions"),
    pace_ms=VENUES_MS,
    pulse_ms=PULSE_MS,
)
FILLS = Screen(path="/fills", title="Fills", template="fills.html", build=fills, live=("fills",))
ACCOUNTS = Screen(
    path="/accounts",
    title="Accounts",
    template="accounts.html",
    build=accounts,
    live=("fills", "positions"),
    pace_ms=VENUES_MS,
    pulse_ms=PULSE_MS,
)
