"""The runtime a strategy lives in: events in, wishes out.  The same class in backtest, simulation, paper and live."""

from floorbroker.strategy.bars import BarView, Columns, Track
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.budget import Budget
from floorbroker.strategy.ground import Ground
from floorbroker.strategy.indicators import Above, Average, Deviation, Exponential, Highest, Indicator, Lowest, NotReady
from floorbroker.strategy.parameters import checked, parameters_of
from floorbroker.strategy.runner import Flooding, Runner
from floorbroker.strategy.schedule import AfterOpen, BeforeClose, Every, On, Once
from floorbroker.strategy.wishes import Change, Filled, Fired, Income, Ordered, Place, WishId, Withdraw

__all__ = [
    "Above",
    "AfterOpen",
    "Average",
    "BarView",
    "BeforeClose",
    "Budget",
    "Change",
    "Columns",
    "Deviation",
    "Every",
    "Exponential",
    "Filled",
    "Fired",
    "Flooding",
    "Ground",
    "Highest",
    "Income",
    "Indicator",
    "Lowest",
    "NotReady",
    "On",
    "Once",
    "Ordered",
    "Place",
    "Runner",
    "Strategy",
    "Track",
    "WishId",
    "Withdraw",
    "checked",
    "parameters_of",
]
