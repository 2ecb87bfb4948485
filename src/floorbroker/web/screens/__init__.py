"""The pages behind the sign-in, one screen each."""

from __future__ import annotations

from floorbroker.web.frame import Screen
from floorbroker.web.screens.backtests import BACKTEST, BACKTESTS
from floorbroker.web.screens.brokers import BROKERS
from floorbroker.web.screens.decisions import DECISIONS
from floorbroker.web.screens.holdings import ACCOUNTS, FILLS, POSITIONS
from floorbroker.web.screens.hooks import HOOKS
from floorbroker.web.screens.orders import ORDER, ORDERS
from floorbroker.web.screens.overview import OVERVIEW
from floorbroker.web.screens.records import AUDIT, RECONCILIATION
from floorbroker.web.screens.research import RESEARCH
from floorbroker.web.screens.risk import RISK
from floorbroker.web.screens.symbol import SYMBOL
from floorbroker.web.screens.trade import TRADE

SCREENS: tuple[Screen, ...] = (
    OVERVIEW,
    TRADE,
    ORDERS,
    ORDER,
    POSITIONS,
    FILLS,
    ACCOUNTS,
    BROKERS,
    RISK,
    DECISIONS,
    BACKTESTS,
    BACKTEST,
    RESEARCH,
    RECONCILIATION,
    AUDIT,
    HOOKS,
    SYMBOL,
)

__all__ = ["SCREENS"]
