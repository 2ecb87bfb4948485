"""Tokens of the private socket: a fresh one for each connection, told to whoever keeps records clean of it.

Document: docs.kraken.com/api-reference/trading/get-websockets-token.
"""

from __future__ import annotations

from collections.abc import Callable

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.rest.calls import Calls
from floorbroker.brokers.kraken.rest.reads import Reads
from floorbroker.domain.errors import ApiError, OrderNotFound, OrderRejected, SessionExpired
from floorbroker.domain.secret import Secret


class Tokens:
    """Asks for tokens; `learn` hears of each one before anybody uses it."""

    def __init__(self, reads: Reads, calls: Calls, *, learn: Callable[[str], None]) -> None:
        self._reads = reads
        self._calls = calls
        self._learn = learn

    async def fresh(self) -> Secret:
        """A token that nothing was opened with.  Raises what time may mend, or `AuthenticationFailed`."""
        try:
            told = await self._reads.ask(self._calls.token(), wire.Token, what="a stream token")
        except (
            OrderRejected,
            OrderNotFound,
            SessionExpired,
        ) as error:  # words about orders: another time they may be gone
            raise ApiError(error.detail, broker=error.broker, venue_text=error.venue_text, hint=error.hint) from error
        self._learn(told.token)
        return Secret(told.token)
