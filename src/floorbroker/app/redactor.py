"""The last filter before anything is written: knows every secret that was ever in use, in every likely spelling.

It stands on the way of every exchange and every log line, so most of its work is to see at once that there is nothing to do.
A spelling of 15 bytes or more holds, wherever it stands in a text, one whole block of 8 bytes that begins at a multiple of 8.
The blocks of all spellings at all offsets are therefore one set, and a text is free of secrets when none of its own blocks is in
that set: one pass in C, whatever the number of secrets.  The few shorter spellings are looked for one by one.

What is found is taken out as pieces, not as whole words: 15 bytes of a long secret are starred out although the rest was cut
off.  A secret is never forgotten while the process lives: one that was rotated out may still be in force at a venue.  Tokens that
a venue hands out for one connection, and that die with it, come for ever: of those the newest are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from typing import Any, NoReturn, cast
from urllib.parse import unquote, urlsplit

STARS = "***"
MIN_LENGTH = 4
FRAGMENT = 15  # so many bytes of a spelling give it away
_BLOCK = 8
_WORD = 8  # a secret shorter than this counts only where it stands as a word of its own
_SHORT_TEXT = 96
_PAGE = 512  # blocks looked at in one go: a page of 4 KiB
_KNOWN_MAX = 1024
TOKENS_MAX = 64  # a connection that is lost once a minute asks for as many in an hour
_SMEAR = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_BACKSLASH, _ESCAPES = ord("\\"), {ord("u"): 6, ord("x"): 4}
_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spelling:
    """One spelling as UTF-8.  A piece of at least `least` bytes counts as the whole.

    `smears`: the characters beside it hold bits of the secret too.
    """

    text: bytes
    least: int
    smears: bool = False


class Spelt:
    """One secret in all its spellings: the short ones as texts, the blocks of the others as the machine's own integers."""

    __slots__ = ("_blocks", "_long", "numbers", "short")

    def __init__(self, spellings: Iterable[Spelling]) -> None:
        held, short = list(spellings), set[str]()
        self._long = [spelling for spelling in held if len(spelling.text) >= FRAGMENT]
        short.update(s.text.decode("utf-8", "surrogatepass") for s in held if len(s.text) < FRAGMENT)
        self.short = frozenset(short)
        self.numbers = frozenset[int]().union(*(numbers for one in self._long for numbers in _numbers_of(one)))
        self._blocks: dict[bytes, list[Spelling]] | None = None

    def holding(self, block: bytes) -> Sequence[Spelling]:
        """The spellings in which a block stands.  Few secrets are ever met, so the list is made when the first one is."""
        if self._blocks is None:
            self._blocks = {}
            for spelling in self._long:
                for held in _blocks_of(spelling):
                    self._blocks.setdefault(held, []).append(spelling)
        return self._blocks.get(block, ())

    def __reduce__(self) -> NoReturn:
        raise TypeError("what is secret cannot be pickled or copied")


def spelt(secret: str) -> Spelt:
    """A secret in every likely spelling: some milliseconds of work."""
    from floorbroker.app.spellings import spellings  # a command that learns nothing need not load it

    return Spelt(spellings(secret))


@dataclass(slots=True, repr=False, eq=False)
class SecretFilter:
    """Implements `ports.Redactor`.  `spell` spells a secret out; who makes many filters of the same few keeps the results."""

    spell: Callable[[str], Spelt] = spelt
    _secrets: dict[str, Spelt] = field(default_factory=dict[str, Spelt])
    _numbers: set[int] = field(default_factory=set[int])  # the blocks of all of them
    _tokens: dict[str, None] = field(default_factory=dict[str, None])  # the oldest first
    _short: tuple[str, ...] = ()
    _telling: tuple[bytes, ...] = ()  # those of them that no data looks like
    _harmless: set[str] = field(default_factory=set[str])  # short texts that come again and again: hosts, header values

    def learn(self, secret: str) -> None:
        """From now on this text never passes, in any of its usual spellings.

        Fewer than four characters are not learned: taking them out would star out everything and hide nothing.
        """
        self._tokens.pop(secret, None)  # whatever it was before, it is kept from now on
        if len(secret) < MIN_LENGTH or secret in self._secrets:
            return
        learned = self.spell(secret)
        self._numbers |= learned.numbers
        self._short = tuple(sorted({*self._short, *learned.short}, key=len, reverse=True))
        telling = (text for text in self._short if len(text) >= _WORD and not text.isdigit())
        self._telling = tuple(text.encode("utf-8", "surrogatepass") for text in telling)
        self._secrets[secret] = learned
        self._harmless = set()

    def learn_token(self, token: str) -> None:
        """The same of a token for one connection, until so many newer ones have come that it is dead."""
        if token in self._secrets and token not in self._tokens:
            return
        self.learn(token)
        if token in self._secrets:
            self._tokens[token] = None
        while len(self._tokens) > TOKENS_MAX:
            self._forget(next(iter(self._tokens)))

    def _forget(self, token: str) -> None:
        """What it shares with others stays."""
        del self._tokens[token]
        gone = set(self._secrets.pop(token).numbers)
        for kept in self._secrets.values():
            if not gone.isdisjoint(kept.numbers):
                gone -= kept.numbers
        self._numbers -= gone

    def clean(self, text: str) -> str:
        """The text with every known secret, and every telling piece of one, starred out."""
        harmless = self._harmless  # the set of this moment: what is learned meanwhile begins a new one
        if text in harmless or not self._secrets:
            return text
        raw = text.encode("utf-8", "surrogatepass")
        if not self._is_suspect(text, raw):
            if len(text) <= _SHORT_TEXT and len(harmless) < _KNOWN_MAX:
                harmless.add(text)
            return text
        return _starred(raw, list(self._spans(raw))).decode("utf-8", "surrogatepass")

    def clean_reply(self, raw: bytes) -> bytes:
        """Whole replies of a door.  A secret of a few characters, or of digits alone, may be a price or a word of the data and
        passes.
        """
        if not self._secrets:
            return raw
        short = [text for text in self._telling if text in raw]
        if not short and not self._has_block(raw):
            return raw
        spans = [span for text in short for span in _found(raw, text, is_word=False)]
        return _starred(raw, [*spans, *self._long_spans(raw)])

    def __reduce__(self) -> NoReturn:
        raise TypeError("what is secret cannot be pickled or copied")

    def _is_suspect(self, text: str, raw: bytes) -> bool:
        if self._has_block(raw):
            return True
        for short in self._short:  # noqa: SIM110 - `any` over a generator costs more than all the rest
            if short in text:
                return True
        return False

    def _has_block(self, raw: bytes) -> bool:
        left, at = len(raw) // _BLOCK, 0
        while left:
            count = min(left, _PAGE)
            if not self._numbers.isdisjoint(_reader(count)(raw, at)):
                return True
            left, at = left - count, at + count * _BLOCK
        return False

    def _spans(self, raw: bytes) -> Iterator[Span]:
        yield from self._long_spans(raw)
        for short in self._short:
            is_word = len(short) < _WORD and short in self._secrets
            yield from _found(raw, short.encode("utf-8", "surrogatepass"), is_word=is_word)

    def _long_spans(self, raw: bytes) -> Iterator[Span]:
        done: dict[Spelling, int] = {}
        for at in range(0, len(raw) - _BLOCK + 1, _BLOCK):
            if _reader(1)(raw, at)[0] not in self._numbers:
                continue
            block = raw[at : at + _BLOCK]
            for spelling in (one for secret in self._secrets.values() for one in secret.holding(block)):
                if at + _BLOCK > done.get(spelling, 0):
                    for span in _pieces(raw, at, block, spelling):
                        done[spelling] = max(done.get(spelling, 0), span[1])
                        yield span


@lru_cache(maxsize=2 * _PAGE)
def _reader(count: int) -> Callable[[bytes, int], tuple[Any, ...]]:
    """Reads so many blocks as integers; a compiled `Struct` does it in half the time of a memory view."""
    return Struct(f"{count}Q").unpack_from


def _starts_of(spelling: Spelling) -> list[int]:
    """Where eight neighbouring blocks begin: so often that every piece that counts holds one, wherever it stands."""
    last = len(spelling.text) - FRAGMENT
    return [*range(0, last, spelling.least - FRAGMENT + 1), last]


def _blocks_of(spelling: Spelling) -> set[bytes]:
    starts = _starts_of(spelling)
    return {spelling.text[at : at + _BLOCK] for start in starts for at in range(start, start + _BLOCK)}


def _numbers_of(spelling: Spelling) -> list[list[int]]:
    """The same blocks as integers: the text is read once from each of the first eight bytes on."""
    text = spelling.text
    every = [0] * (len(text) - _BLOCK + 1)
    for phase in range(min(_BLOCK, len(every))):
        every[phase::_BLOCK] = _reader((len(text) - phase) // _BLOCK)(text, phase)
    return [every[start : start + _BLOCK] for start in _starts_of(spelling)]


def _pieces(raw: bytes, at: int, block: bytes, spelling: Spelling) -> Iterator[Span]:
    """As much of the spelling as stands around a block at `at`, where that is enough to tell."""
    offset = spelling.text.find(block)
    while offset >= 0:
        start, end = _grown(raw, at, spelling.text, offset)
        if end - start >= spelling.least:
            yield _smeared(raw, start, end) if spelling.smears else (start, end)
        offset = spelling.text.find(block, offset + 1)


def _grown(raw: bytes, at: int, text: bytes, offset: int) -> Span:
    start, end = at, at + _BLOCK
    before, behind = offset - 1, offset + _BLOCK
    while start > 0 and before >= 0 and raw[start - 1] == text[before]:
        start, before = start - 1, before - 1
    while end < len(raw) and behind < len(text) and raw[end] == text[behind]:
        end, behind = end + 1, behind + 1
    return start, end


def _smeared(raw: bytes, start: int, end: int) -> Span:
    """One character more on each side: base64 mixes the secret's first and last bits with its neighbours'."""
    if start > 0 and raw[start - 1] in _SMEAR:
        start -= 1
    if end < len(raw) and raw[end] in _SMEAR:
        end += 1
    return start, end


def _found(raw: bytes, short: bytes, *, is_word: bool) -> Iterator[Span]:
    start = raw.find(short)
    while start >= 0:
        end = start + len(short)
        if not (is_word and _is_inside_a_word(raw, start, end)):
            yield start, end
        start = raw.find(short, start + 1)


def _is_inside_a_word(raw: bytes, start: int, end: int) -> bool:
    is_led = start > 0 and raw[start - 1] in _LETTERS and raw[start] in _LETTERS
    is_followed = end < len(raw) and raw[end] in _LETTERS and raw[end - 1] in _LETTERS
    return is_led or is_followed


def _starred(raw: bytes, spans: list[Span]) -> bytes:
    """The bytes with stars in the place of the spans; those that overlap or touch are one."""
    kept, behind, stars = bytearray(), 0, STARS.encode("ascii")
    for start, end in sorted(spans):
        begin, stop = _whole_characters(raw, _escape_across(raw, start)[0], _escape_across(raw, end)[1])
        if not (kept.endswith(stars) and begin <= behind):
            kept += raw[behind:begin] + stars
        behind = max(behind, stop)
    kept += raw[behind:]
    return bytes(kept)


def _escape_across(raw: bytes, place: int) -> Span:
    """The `\\n` or `\\u00e9` that begins before a place and ends behind it; JSON stays JSON when none is cut in two."""
    for at in range(place - 1, max(place - 6, -1), -1):
        if raw[at] == _BACKSLASH:
            near = raw[max(at - 64, 0) : at]
            is_escape = (len(near) - len(near.rstrip(b"\\"))) % 2 == 0
            end = at + _ESCAPES.get(raw[at + 1] if at + 1 < len(raw) else 0, 2)
            return (at, min(end, len(raw))) if is_escape and end > place else (place, place)
    return place, place


def _whole_characters(raw: bytes, start: int, end: int) -> Span:
    """A piece may begin or end inside a character of several bytes; it takes all of it."""
    while start > 0 and raw[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return start, end


_SECRET = ("USERNAME", "PASSWORD", "ACCOUNT_NUMBER", "API_KEY", "SECRET_KEY")
_LOGIN = re.compile(r"//([^/?#@]*)@")


def secrets_in(given: Mapping[str, str]) -> Iterator[str]:
    """What must not be shown of the eight fields: the five secret ones, and a login inside the URL."""
    for name, value in given.items():
        if name.removeprefix("BROKER_") in _SECRET:
            yield value
        elif name == "BROKER_URL":
            yield from _in_url(value)


def _in_url(url: str) -> Iterator[str]:
    """The password of a login, or its token; and whatever stands where a URL that cannot be read has its host."""
    if found := _LOGIN.search(url):
        user, colon, password = found[1].partition(":")
        yield from {password if colon else user, unquote(password if colon else user)}
    try:
        _ = urlsplit(url).port
    except ValueError:
        yield from re.split(r"[/:@\[\]]+", url)


_DEEPEST = 8


def cleaned(value: object, clean: Callable[[str], str], *, depth: int = 0) -> object:
    """A value for a log line: what is text or becomes text there is cleaned, numbers and their structure stay.

    Never raises: what cannot be read is told by the name of its type.
    """
    match value:
        case None | bool():
            return value
        case str():
            return clean(value)
        case int() | float():
            return value if clean(repr(value)) == repr(value) else STARS
        case dict() if depth < _DEEPEST:
            items = cast("dict[object, object]", value).items()
            return {clean(_text_of(name)): cleaned(held, clean, depth=depth + 1) for name, held in items}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            return [cleaned(held, clean, depth=depth + 1) for held in cast("list[object]", value)]
        case _:
            return clean(_text_of(value))


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a log line must not fail because of what it tells
        return f"<{type(value).__name__}>"
