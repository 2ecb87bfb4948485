"""Rate limits: the etiquette of `info.py`.  Every message counts, whatever it asks; cancels go past the rest.

Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (pacing limitations, historical data limitations).
"""

from __future__ import annotations

from floorbroker.brokers.ibkr.info import INFO
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.limiter import Limits, limits_of
from floorbroker.transport.types import Response

LIMITS = limits_of(INFO.etiquette)
READ_WAIT_S = 10.0
"""How long a question waits for its turn."""


def limits_for(messages_s: int) -> Limits:
    """The limits of an account whose market data lines allow so many messages a second."""
    return limits_of(INFO.etiquette, {"messages": messages_s})


def read_limits(response: Response) -> LimitNews | None:
    """An answer to a command tells nothing of limits: what does (code 100) comes with no command's number."""
    del response
    return None
