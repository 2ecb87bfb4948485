"""Mutations that keep a message readable enough to get past its parser: seeded, so that a number names an input.

An input is lines.  A line may end in a JSON document behind a few words (`200 {...}`, `data: {...}`); then its tree is changed:
another value in a place, a member gone, twice, under another name.  Every other line, and now and then any, is changed by
bytes and words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from tests.fuzz.grammar import Members, Raw, parsed, put, slots, value_at, written

HEAD = re.compile(rb"[^{\[\n]{0,200}")

HOSTILE: tuple[Any, ...] = (
    None, True, False, "", " ", "0", "-1", "1", "10", "0.5", "-0", "1e3", "+5", " 5", "5 ", "1_0", "١٢", "0x10",
    "NaN", "sNaN", "-NaN", "Infinity", "-Infinity", "1e400", "1e-400", "1E+999999999", "-1E-999999999", "9" * 39,
    "0." + "0" * 25 + "1", "1" * 400, "0.1234567890123456789", "1e20", "1e38", "-1e-20", "nan123",
    Raw("0"), Raw("-0"), Raw("1"), Raw("-1"), Raw("1.5"), Raw("1e400"), Raw("1E-400"), Raw("1e999999999"), Raw("9" * 40),
    Raw("9" * 400), Raw("18446744073709551616"), Raw("9223372036854775808"), Raw("NaN"), Raw("Infinity"), Raw("-Infinity"),
    Raw("0." + "3" * 400), Raw("01"), Raw("1."), Raw(".5"), Raw("+1"), Raw("nul"), Raw("'x'"), Raw(""),
    Raw('"\\ud800"'), Raw('"\\udfff\\ud800"'), Raw('"\\u0000"'), Raw('"\\x"'), Raw('"\x01"'), Raw('"\xff"'),
    Raw("[" * 40 + "]" * 40), Raw("[" * 3000), Raw('{"a":' * 3000), Raw("[" * 1500 + "]" * 1500),
    "\u202e", "<script>alert(1)</script>", "A" * 300, "\x7f\x1b[2J", "\r\nX: y", "%s%n", "../../etc", "null", "\ufeff", "é" * 40,
    "2026-03-02T15:04:05Z", "2026-03-02T15:04:05.123456789123Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "2026-03-02T15:04:05", "2026-02-30T00:00:00Z", "2026-03-02", "24:00", "2026-03-02T15:04:60Z", "1970-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z", "2026-03-02T15:04:05+24:00", "20260302T150405Z", "infinity",
    "AAPL", "AAPL260320C00150000", "AAPL  260320P00150000", "BTC/USD", "BTCUSD", "/", "AAPL999999C00150000", "²²²260320C00150000",
    Members(), [], [[]], [None], Members([["", None]]), Members([["id", "x"], ["id", "y"]]),
)  # fmt: skip
WORDS = (
    b"\r\n", b"\n", b"\n\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n", b"1\r\n", b"ffffffffffffffff\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0 ",
    b"data: ", b"event: ", b"id: ", b"retry: ", b": ", b"=", b'"', b"'", b"#", b"[", b"]", b"{", b"}", b",", b":", b" 404 ",
    b" 200 ", b"-1", b"99999999999999999999", b"NaN", b"1e400", b"\\u0000", b"\\", b"/", b"?", b"%00", b"\t",
    b"Connection: close\r\n",
)  # fmt: skip
CHARACTERS = "0159.-+eE_TZ: /\0\u202eAé"


def mutated(data: bytes, *, donors: Sequence[bytes], random: Random, max_len: int) -> bytes:
    """Another input near this one: one to four changes, drawn from `random`."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        roll = random.random()
        if roll < 0.7:
            data = _in_a_document(data, donors, random)
        elif roll < 0.82:
            data = _in_the_lines(data, donors, random)
        else:
            data = _in_the_bytes(data, random)
    return data[:max_len]


# -- documents ------------------------------------------------------------------------------------------------------------


def _in_a_document(data: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    lines = data.split(b"\n")
    places = [index for index, line in enumerate(lines) if _split(line)[1]]
    if not places:
        return _in_the_bytes(data, random)
    index = random.choice(places)
    head, body = _split(lines[index])
    try:
        tree = [parsed(body)]
        donor = _tree_of(random.choice(donors), random) if donors and random.random() < 0.3 else tree
        random.choice(_CHANGES)(tree, donor, random)
        lines[index] = head + b"".join(written(value) for value in tree)
    except (ValueError, RecursionError):
        return _in_the_bytes(data, random)  # broken by an earlier change, or nested without end
    return b"\n".join(lines)


def _split(line: bytes) -> tuple[bytes, bytes]:
    """The words before a line's document, and the document."""
    match = HEAD.match(line)
    end = match.end() if match else 0
    return line[:end], line[end:].rstrip(b"\r")


def _tree_of(donor: bytes, random: Random) -> list[Any]:
    bodies = [body for line in donor.split(b"\n") if (body := _split(line)[1])]
    return [parsed(random.choice(bodies))] if bodies else [random.choice(HOSTILE)]


def _hostile(tree: Any, donor: Any, random: Random) -> None:
    put(random.choice(slots(tree)), deepcopy(random.choice(HOSTILE)))


def _swapped(tree: Any, donor: Any, random: Random) -> None:
    """A value of another place, or of another message."""
    put(random.choice(slots(tree)), deepcopy(value_at(random.choice(slots(donor)))))


def _gone(tree: Any, donor: Any, random: Random) -> None:
    node, index = random.choice(slots(tree))
    del node[index]


def _twice(tree: Any, donor: Any, random: Random) -> None:
    node, index = random.choice(slots(tree))
    node.insert(random.randint(0, len(node)) if node is not tree else 0, deepcopy(node[index]))


def _renamed(tree: Any, donor: Any, random: Random) -> None:
    objects = [slot for slot in slots(tree) if isinstance(slot[0], Members)]
    names = [node[index][0] for node, index in slots(donor) if isinstance(node, Members)]
    if objects:
        node, index = random.choice(objects)
        node[index] = [random.choice([*names, "", "id", "\x00", "__class__"]), node[index][1]]


def _wrapped(tree: Any, donor: Any, random: Random) -> None:
    slot = random.choice(slots(tree))
    value = value_at(slot)
    put(slot, random.choice(([value], Members([["id", value]]), [value, deepcopy(value)])))


def _edited(tree: Any, donor: Any, random: Random) -> None:
    """One character of a text or a number."""
    scalars = [slot for slot in slots(tree) if isinstance(value_at(slot), str)]
    if not scalars:
        _hostile(tree, donor, random)
        return
    slot = random.choice(scalars)
    text = value_at(slot)
    at = random.randint(0, len(text))
    cut = (
        text[:at]
        + random.choice((random.choice(CHARACTERS), "", text[at - 1 : at] * 2))
        + text[at + random.randint(0, 1) :]
    )
    put(slot, Raw(cut) if isinstance(text, Raw) else cut)


_CHANGES: tuple[Callable[[Any, Any, Random], None], ...] = (
    _hostile, _hostile, _hostile, _swapped, _swapped, _gone, _twice, _renamed, _wrapped, _edited, _edited,
)  # fmt: skip


# -- lines and bytes ------------------------------------------------------------------------------------------------------


def _in_the_lines(data: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    lines = data.split(b"\n")
    others = random.choice(donors).split(b"\n") if donors else lines
    index = random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            lines.insert(index, random.choice(lines))
        case 1:
            del lines[index]
        case 2:
            lines[index] = random.choice(others)
        case 3:
            lines.insert(index, random.choice(others))
        case _:
            other = random.randrange(len(lines))
            lines[index], lines[other] = lines[other], lines[index]
    return b"\n".join(lines)


def _in_the_bytes(data: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    match random.randrange(6):
        case 0:
            return data[:at] + random.choice(WORDS) + data[at:]
        case 1:
            return data[:at] + random.choice(WORDS) + data[at + random.randint(1, 8) :]
        case 2:
            return data[:at] + data[at + random.randint(1, 32) :]
        case 3:
            return data[:at]
        case 4:
            return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
        case _:
            end = at + random.randint(1, 64)
            return data[:end] + data[at:end] * random.choice((1, 1, 2, 30)) + data[end:]
