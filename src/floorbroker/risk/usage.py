"""How much of each limit is used, without any wish: what `risk show` and the page tell.

What is in a currency without a rate is in no figure: the figures that would have to hold it are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from floorbroker.domain.values import WIDE, Side
from floorbroker.risk.day import Sum
from floorbroker.risk.equity import Equity
from floorbroker.risk.situation import Exposure
from floorbroker.risk.watch import Ends, Watch

Usage = Mapping[str, Decimal | int]


def of_account(
    exposure: Exposure, *, messages: tuple[int, int], today: Sum, equity: Equity | None, worth: Decimal | None
) -> Usage:
    """One account; `worth` is its equity, None while it is not known."""
    found = _exposures(_both(exposure), worth) | _counts(exposure.open_total, messages, today)
    if equity is not None and equity.is_known:
        found |= {
            "max_loss_day": equity.loss,
            "max_loss_day_pct": equity.loss_pct,
            "kill_loss_day_pct": equity.loss_pct,
            "max_drawdown_pct": equity.drawdown_pct,
            "kill_drawdown_pct": equity.drawdown_pct,
        }
    return found


def of_scope(watch: Watch, *, messages: tuple[int, int], today: Sum, worth: Decimal | None) -> Usage:
    """A scope over several accounts, in its own currency."""
    exposures = None if watch.lacks() else (watch.gross, watch.net)
    return _exposures(exposures, worth) | _counts(watch.open_total, messages, today)


def _both(exposure: Exposure) -> tuple[Decimal, Decimal] | None:
    """Gross and net in the worst case; None where some of it cannot be told in the account's currency."""
    values: list[tuple[Decimal, Decimal]] = []
    for symbol in exposure.symbols():
        up = exposure.value(symbol, exposure.worst_case(symbol, Side.BUY))
        down = exposure.value(symbol, exposure.worst_case(symbol, Side.SELL))
        if up is None or down is None:
            return None
        values.append((up, down))
    ends = Ends().plus(*values)
    return ends.gross, ends.net


def _exposures(both: tuple[Decimal, Decimal] | None, worth: Decimal | None) -> dict[str, Decimal | int]:
    """What is used of limits of exposure; nothing is said where it cannot be told."""
    if both is None:
        return {}
    gross, net = both
    found: dict[str, Decimal | int] = {"max_gross_exposure": gross, "max_net_exposure": net}
    return found | ({"max_leverage": _share(gross, worth)} if worth is not None and worth > 0 else {})


def _counts(open_orders: int, messages: tuple[int, int], today: Sum) -> dict[str, Decimal | int]:
    found: dict[str, Decimal | int] = {
        "max_open_orders": open_orders,
        "max_messages_s": messages[0],
        "max_messages_min": messages[1],
        "max_orders_day": today.orders,
    }
    return found if today.told is None else found | {"max_notional_day": today.told}


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(Decimal("0.001"), context=WIDE)
