"""Interactive Brokers over the socket of TWS and IB Gateway: shares, options, combos and currency pairs."""

from typing import TYPE_CHECKING

from floorbroker.brokers.ibkr.info import INFO, Options, Place, hosts_for, options_from, place_for
from floorbroker.brokers.late import late

if TYPE_CHECKING:
    from floorbroker.brokers.ibkr.adapter import IbkrBroker, build
    from floorbroker.brokers.ibkr.limits import LIMITS

__all__ = ["INFO", "LIMITS", "IbkrBroker", "Options", "Place", "build", "hosts_for", "options_from", "place_for"]

__getattr__ = late(
    __name__,
    adapter=(
        "IbkrBroker",
        "build",
    ),
    limits=("LIMITS",),
)
