"""The runtime of strategies on a simulated clock over the matching engine: data in, results out."""

from floorbroker.backtest.actions import Happening, Renamed
from floorbroker.backtest.costs import AT_ONCE, FREE, Between, Costs, Fixed
from floorbroker.backtest.feed import Feed, cut, within
from floorbroker.backtest.recorded import Span, recorded_feed
from floorbroker.backtest.report import html_of
from floorbroker.backtest.reshaped import Resized
from floorbroker.backtest.result import Result, Trip
from floorbroker.backtest.run import Backtest
from floorbroker.backtest.sweep import Outcome, Plan, Step, bounds_of, combinations, sweep, values_of, walk_forward
from floorbroker.backtest.venue import Held, Venue

__all__ = [
    "AT_ONCE",
    "FREE",
    "Backtest",
    "Between",
    "Costs",
    "Feed",
    "Fixed",
    "Happening",
    "Held",
    "Outcome",
    "Plan",
    "Renamed",
    "Resized",
    "Result",
    "Span",
    "Step",
    "Trip",
    "Venue",
    "bounds_of",
    "combinations",
    "cut",
    "html_of",
    "recorded_feed",
    "sweep",
    "values_of",
    "walk_forward",
    "within",
]
