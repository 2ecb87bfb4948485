"""The portfolio stream: orders, GTT orders, positions and holdings as JSON text, as they change.  Nothing is repeated.

https://upstox.com/developer/api-documentation/get-portfolio-stream-feed
"""

from __future__ import annotations

import msgspec

from floorbroker_sim.http import Outbox
from floorbroker_sim.upstox.rest.state import Frame, State

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_POLICY = 1008


class PortfolioSession:
    """One client of the stream, which hears the `kinds` of updates it asked for."""

    def __init__(self, state: State, kinds: frozenset[str]) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = None
        self._state = state
        self._kinds = kinds

    def opened(self) -> None:
        self._state.listeners.frames.append(self._on_frame)

    def impatient(self) -> None:
        """Nobody has to speak."""

    def received(self, data: bytes | str) -> None:
        """There is nothing to say; what is said is not heard."""

    def closed(self) -> None:
        listeners = self._state.listeners
        listeners.frames[:] = [one for one in listeners.frames if one != self._on_frame]

    def _on_frame(self, frame: Frame) -> None:
        if frame["update_type"] in self._kinds and not self.outbox.put(_ENCODE(frame).decode()):
            self.outbox.close(_POLICY)
