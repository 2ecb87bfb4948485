"""How much of each limit is used, without any wish: what `risk show` and the page tell."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from floorbroker.domain.values import WIDE, ZERO, Side
from floorbroker.risk.day import Sum
from floorbroker.risk.equity import Equity
from floorbroker.risk.situation import Exposure
from floorbroker.risk.watch import Watch

Usage = Mapping[str, Decimal | int]


def of_account(
    exposure: Exposure, *, messages: tuple[int, int], today: Sum, equity: Equity | None, worth: Decimal | None
) -> Usage:
    """One account; `worth` is its equity, None while it is not known."""
    longs = shorts = ZERO
    for symbol in exposure.symbols():
        longs += max(exposure.value(symbol, exposure.worst_case(symbol, Side.BUY)), ZERO)
        shorts += min(exposure.value(symbol, exposure.worst_case(symbol, Side.SELL)), ZERO)
    found: dict[str, Decimal | int] = {
        "max_gross_exposure": longs - shorts,
        "max_net_exposure": max(longs, -shorts),
        "max_open_orders": exposure.open_total,
        "max_messages_s": messages[0],
        "max_messages_min": messages[1],
        "max_orders_day": today.orders,
        "max_notional_day": today.notional,
    }
    if worth is not None and worth > 0:
        found["max_leverage"] = _share(longs - shorts, worth)
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
    gross = watch.longs - watch.shorts
    found: dict[str, Decimal | int] = {
        "max_gross_exposure": gross,
        "max_net_exposure": max(watch.longs, -watch.shorts),
        "max_open_orders": watch.open_total,
        "max_messages_s": messages[0],
        "max_messages_min": messages[1],
        "max_orders_day": today.orders,
        "max_notional_day": today.notional,
    }
    return found | ({"max_leverage": _share(gross, worth)} if worth is not None and worth > 0 else {})


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(Decimal("0.001"), context=WIDE)
