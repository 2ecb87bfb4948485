"""Interactive Brokers over the Client Portal Web API: shares, options and combos through a gateway on this machine."""

from typing import TYPE_CHECKING

from floorbroker.brokers.ibkr_web.info import INFO, Options, Origins, hosts_for, options_from, origins_for
from floorbroker.brokers.late import late

if TYPE_CHECKING:
    from floorbroker.brokers.ibkr_web.adapter import IbkrWebBroker, build
    from floorbroker.brokers.ibkr_web.limits import LIMITS, limits_for

__all__ = [
    "INFO",
    "LIMITS",
    "IbkrWebBroker",
    "Options",
    "Origins",
    "build",
    "hosts_for",
    "limits_for",
    "options_from",
    "origins_for",
]

__getattr__ = late(
    __name__,
    adapter=(
        "IbkrWebBroker",
        "build",
    ),
    limits=(
        "LIMITS",
        "limits_for",
    ),
)
