"""The embedded paper venue: an account at a broker that lives in this process."""

from typing import TYPE_CHECKING

from floorbroker.brokers.late import late
from floorbroker.brokers.paper.info import INFO, Options, instrument_for, options_from

if TYPE_CHECKING:
    from floorbroker.brokers.paper.adapter import PaperBroker, build
    from floorbroker.brokers.paper.rest import PaperVenue, PriceSource
    from floorbroker.brokers.paper.wire import LogFile, MemoryState, StateFile

__all__ = [
    "INFO",
    "LogFile",
    "MemoryState",
    "Options",
    "PaperBroker",
    "PaperVenue",
    "PriceSource",
    "StateFile",
    "build",
    "instrument_for",
    "options_from",
]

__getattr__ = late(
    __name__,
    adapter=(
        "PaperBroker",
        "build",
    ),
    rest=(
        "PaperVenue",
        "PriceSource",
    ),
    wire=(
        "LogFile",
        "MemoryState",
        "StateFile",
    ),
)
