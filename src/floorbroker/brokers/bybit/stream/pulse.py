"""Whether a connection lives: a ping every 20 s, an end after 40 s of silence, and after 10 s without an answer.

Document: bybit-exchange.github.io/docs/v5/ws/connect.
"""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.transport.actions import Reconnect, Send

PING_S = 20.0
SILENCE_S = 40.0
ANSWER_S = 10.0


@dataclass(slots=True)
class Pulse:
    """Of one connection at a time, called `name` for people.  `asked_s` is when a question went out that is not answered."""

    name: str
    heard_s: float = 0.0
    pinged_s: float = 0.0
    asked_s: float | None = None
    pings: int = 0

    def begin(self, now_s: float) -> None:
        """A connection is open, and nothing was asked on it."""
        self.heard_s = self.pinged_s = now_s
        self.asked_s = None

    def beat(self, now_s: float) -> list[Send | Reconnect]:
        """What is due: a sign of life, which every socket of the venue answers, or the end."""
        if self.asked_s is not None and now_s - self.asked_s > ANSWER_S:
            return [Reconnect(f"the {self.name} does not answer")]
        if now_s - self.heard_s > SILENCE_S:
            return [Reconnect(f"the {self.name} is silent")]
        if now_s - self.pinged_s < PING_S:
            return []
        self.pinged_s = now_s
        self.pings += 1
        return [Send(f'{{"req_id":"{self.pings}","op":"ping"}}')]
