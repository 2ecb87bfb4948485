"""What a client may say on the stream, and the envelopes it hears.  Pure.

client: {"op":"auth","token":…}  {"op":"subscribe","id":"1","channels":["orders","quotes:paper:AAPL"],"after":1041}
        {"op":"unsubscribe","id":"2","channels":[…]}  {"op":"ping","id":"3"}
server: {"v":1,"type":"ack|snapshot|event|gap|error|bye","channel":…,"seq":…,"ts":…,"key":…,"data":…}, or an array of them
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from floorbroker.domain.frozen import frozen
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import ProfileName, Word, time_text

FACTS = frozenset({"orders", "fills", "positions", "health", "risk"})
PRICES = {"quotes": DataKind.QUOTES, "trades": DataKind.TRADES, "bars": DataKind.BARS, "book": DataKind.BOOK}
CHANNELS_MAX = 100  # of one message
WANTED_MAX = 200  # of one connection
_LONGEST = 160


class Closing(Word):
    """Why a connection is closed, as the code says it."""

    STOPS = "1012"
    BAD = "4400"
    STRANGER = "4401"
    SCOPE = "4403"
    SLOW = "4408"
    RATE = "4429"

    @property
    def code(self) -> int:
        return int(self.value)


class BadMessage(Exception):
    """A message that is none of these; the words say what would be one."""


class Auth(msgspec.Struct, frozen=True, tag="auth", tag_field="op", forbid_unknown_fields=True):
    """The first message of a program, which has no cookie."""

    token: str


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe", tag_field="op", forbid_unknown_fields=True):
    """Hear of these channels.  `after` is the `seq` of the last fact that was heard: what came behind it is told first."""

    channels: list[str]
    id: str = ""
    after: int | None = None


class Unsubscribe(msgspec.Struct, frozen=True, tag="unsubscribe", tag_field="op", forbid_unknown_fields=True):
    """Hear of these no more."""

    channels: list[str]
    id: str = ""


class Ping(msgspec.Struct, frozen=True, tag="ping", tag_field="op", forbid_unknown_fields=True):
    """A sign of life, which is answered."""

    id: str = ""


Said = Auth | Subscribe | Unsubscribe | Ping
_SAID = msgspec.json.Decoder(Said)


def read(text: str) -> Said:
    """One message.  Raises `BadMessage`."""
    try:
        said: Said = _SAID.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise BadMessage(f"send one of auth, subscribe, unsubscribe, ping as JSON: {error}") from None
    if isinstance(said, Subscribe | Unsubscribe) and not 0 < len(said.channels) <= CHANNELS_MAX:
        raise BadMessage(f"name 1 to {CHANNELS_MAX} channels")
    if isinstance(said, Subscribe) and said.after is not None and not 0 <= said.after < 10**15:
        raise BadMessage("after is the seq of the last event you heard")
    return said


@frozen
class Price:
    """A channel of prices: what, of which symbol, as which profile hears it."""

    kind: DataKind
    profile: ProfileName
    symbol: str


def channel_of(text: str) -> str | Price:
    """A channel of facts by its name, or one of prices.  Raises `BadMessage` for what is neither."""
    if text in FACTS:
        return text
    word, _, rest = text.partition(":")
    profile, _, symbol = rest.partition(":")
    if word not in PRICES or not profile or not symbol or len(text) > _LONGEST:
        known = ", ".join(sorted(FACTS))
        raise BadMessage(
            f"{text[:_LONGEST]!r} is no channel: {known}, or quotes, trades, bars, book as kind:profile:symbol"
        )
    return Price(kind=PRICES[word], profile=ProfileName(profile), symbol=symbol)


def envelope(kind: str, *, ts: datetime, **members: Any) -> bytes:
    """One envelope; members that are None are left out."""
    told = {name: value for name, value in members.items() if value is not None}
    return msgspec.json.encode({"v": 1, "type": kind, **told, "ts": time_text(ts)})


def conflated(told: bytes, skipped: int) -> bytes:
    """The same envelope with how many before it were not shown."""
    return told if not skipped else b'%s,"conflated":%d}' % (told[:-1], skipped)


def joined(told: list[bytes]) -> str:
    """One frame of them."""
    return (told[0] if len(told) == 1 else b"[" + b",".join(told) + b"]").decode()
