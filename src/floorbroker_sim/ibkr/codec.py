"""Frames of the socket: four bytes of length, then text fields that each end with NUL.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/ ; the layout was checked against the clients that judge it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from floorbroker.domain.values import NotExact, decimal_of, text_of

HELLO = b"API\0"
MAX_FRAME = 0xFFFFFF
Word = str | int | bool | Decimal | None

_UNSET = frozenset({"", "1.7976931348623157e308", "1.7976931348623157e+308", "2147483647", "9223372036854775807"})


class BadMessage(ValueError):
    """A message that cannot be read; the text says which field."""


class BadLength(ValueError):
    """A length that no message has: the connection is lost."""


def spelled(word: Word) -> str:
    """One field as it stands on the wire; None is an unset number."""
    if word is None:
        return ""
    if isinstance(word, bool):
        return "1" if word else "0"
    return text_of(word) if isinstance(word, Decimal) else str(word)


def body_of(words: Iterable[Word]) -> bytes:
    """The fields of one message.  A NUL inside a word would end it early, so it is dropped."""
    return "".join(f"{spelled(word).replace(chr(0), '')}\0" for word in words).encode()


def framed(body: bytes) -> bytes:
    """A body with its length in front."""
    return len(body).to_bytes(4, "big") + body


class Splitter:
    """Bytes as they arrive, bodies of whole frames out."""

    def __init__(self) -> None:
        self._rest = b""
        self._greeted = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Bodies that are complete now.  Raises `BadLength`, also for a stranger who does not say hello."""
        self._rest += data
        if not self._greeted:
            if not self._rest.startswith(HELLO[: len(self._rest)]):
                raise BadLength("no greeting")
            if len(self._rest) < len(HELLO):
                return
            self._greeted, self._rest = True, self._rest[len(HELLO) :]
        while len(self._rest) >= 4:
            size = int.from_bytes(self._rest[:4], "big")
            if size > MAX_FRAME:
                raise BadLength(f"a frame of {size} bytes")
            if len(self._rest) < 4 + size:
                return
            body, self._rest = self._rest[4 : 4 + size], self._rest[4 + size :]
            yield body


def words_of(body: bytes) -> list[str]:
    """The fields of one body.  Raises `BadMessage` for bytes that are no text."""
    try:
        return body.decode().split("\0")[:-1]
    except UnicodeDecodeError as error:
        raise BadMessage("the message is not UTF-8") from error


class Reader:
    """The fields of one message, taken in order.  Every method raises `BadMessage` naming the place."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._words) - self._at

    def text(self) -> str:
        if self._at >= len(self._words):
            raise BadMessage(f"field {self._at} is missing")
        self._at += 1
        return self._words[self._at - 1]

    def texts(self, count: int) -> list[str]:
        return [self.text() for _ in range(count)]

    def whole(self) -> int:
        """A whole number; an unset one is zero."""
        value = self.number()
        if value is None:
            return 0
        if value != value.to_integral_value() or abs(value) > 2**63:
            raise BadMessage(f"field {self._at - 1} is no whole number")
        return int(value)

    def peek(self, skip: int) -> int:
        """The whole number `skip` fields ahead, without taking it."""
        at = self._at + skip
        if at >= len(self._words):
            raise BadMessage(f"field {at} is missing")
        return Reader(self._words[at : at + 1]).whole()

    def number(self) -> Decimal | None:
        return number(self.text(), at=self._at - 1)

    def flag(self) -> bool:
        return self.whole() != 0

    def count(self, each: int = 1) -> int:
        """How many groups of `each` fields follow; never more than there are."""
        value = self.whole()
        if not 0 <= value * each <= self.left:
            raise BadMessage(f"field {self._at - 1} counts more than follows")
        return value


def number(text: str, *, at: int | str = "") -> Decimal | None:
    """The exact number of a field; None for an unset one.  Raises `BadMessage`."""
    if text.lower() in _UNSET:
        return None
    try:
        return decimal_of(text)
    except NotExact as error:
        raise BadMessage(f"field {at} is {error}") from error
