"""A pure price-time matching engine, shared by paper trading, simulators and backtests."""

from floorbroker.matching.calendar import ALWAYS_OPEN, FX_WEEK, XNYS, Calendar, Session
from floorbroker.matching.engine import Engine
from floorbroker.matching.events import (
    Accepted,
    Busted,
    Canceled,
    Corrected,
    DoneForDay,
    Event,
    Expired,
    Fill,
    Held,
    Rejected,
    Replaced,
    Restated,
    Triggered,
    Working,
)
from floorbroker.matching.expiry import Moved, last_moment, settled
from floorbroker.matching.fees import NO_FEES, Bps, FeeModel, NoFees, PerShare, SellSide
from floorbroker.matching.india import XNSE
from floorbroker.matching.ledger import Ledger, LedgerPosition
from floorbroker.matching.market import Liquidity
from floorbroker.matching.named import CALENDARS, by_name
from floorbroker.matching.orders import BadOrder, MatchOrder, MatchStatus, NotOpen
from floorbroker.matching.slippage import (
    NO_SLIPPAGE,
    BpsSlippage,
    NoSlippage,
    RandomTicks,
    SizeImpact,
    Slippage,
    Ticks,
)

__all__ = [
    "ALWAYS_OPEN",
    "CALENDARS",
    "FX_WEEK",
    "NO_FEES",
    "NO_SLIPPAGE",
    "XNSE",
    "XNYS",
    "Accepted",
    "BadOrder",
    "Bps",
    "BpsSlippage",
    "Busted",
    "Calendar",
    "Canceled",
    "Corrected",
    "DoneForDay",
    "Engine",
    "Event",
    "Expired",
    "FeeModel",
    "Fill",
    "Held",
    "Ledger",
    "LedgerPosition",
    "Liquidity",
    "MatchOrder",
    "MatchStatus",
    "Moved",
    "NoFees",
    "NoSlippage",
    "NotOpen",
    "PerShare",
    "RandomTicks",
    "Rejected",
    "Replaced",
    "Restated",
    "SellSide",
    "Session",
    "SizeImpact",
    "Slippage",
    "Ticks",
    "Triggered",
    "Working",
    "by_name",
    "last_moment",
    "settled",
]
