"""Every way a secret is likely to be spelled where it leaks: what a log, a URL, a header, a JSON body or a trace makes of it.

The families, which the docs list and the tests try one by one: the text itself; base64 and its URL alphabet, at any place inside
a longer text and so inside a Basic login; hex in both cases, with and without separators; percent-encoding of what must be
encoded and of everything; JSON escapes as far as needed, of everything, and twice over; Python's `repr` of text and bytes; HTML
entities; UTF-16.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from floorbroker.app.redactor import FRAGMENT, Spelling

_TOLD = 8  # characters of the secret itself that a fragment of a wordy spelling must tell


def spellings(secret: str) -> set[Spelling]:
    """Every spelling of a secret, each once."""
    size = len(secret.encode("utf-8", "surrogatepass"))
    plain = {text.encode("utf-8", "surrogatepass") for text in _plain(secret)}
    packed = set(_base64(secret)) - plain
    return {Spelling(text, _least(text, size)) for text in plain} | {
        Spelling(text, _least(text, size), smears=True) for text in packed
    }


def _least(text: bytes, size: int) -> int:
    return min(len(text), max(FRAGMENT, math.ceil(len(text) * _TOLD / max(size, 1))))


def _plain(secret: str) -> Iterator[str]:
    yield secret
    yield from _percent(secret)
    yield from _escaped(secret)
    yield from _hex(secret)
    marked = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield marked.replace('"', "&quot;").replace("'", "&#x27;")
    yield marked.replace('"', "&#34;").replace("'", "&#39;")  # as templates write them
    yield "".join(f"&#{ord(c)};" for c in secret)
    for form in ("&#x{:x};", "&#x{:X};"):
        yield "".join(form.format(ord(c)) for c in secret)
    for order in ("utf-16-le", "utf-16-be"):
        yield secret.encode(order, "surrogatepass").decode("latin-1").strip("\0")


def _hex(secret: str) -> Iterator[str]:
    raw = _bytes(secret)
    for text in (raw.hex(), raw.hex(" "), raw.hex(":"), raw.hex("-")):
        yield text
        yield text.upper()


def _percent(secret: str) -> Iterator[str]:
    raw = _bytes(secret)
    every = "".join(f"%{byte:02X}" for byte in raw)
    for text in (quote(raw, safe=""), quote(raw), quote_plus(raw), every):
        yield text
        yield _lower_digits(text)


def _lower_digits(text: str) -> str:
    """The digits behind each per cent sign in lower case."""
    head, *rest = text.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


def _escaped(secret: str) -> Iterator[str]:
    raw = _bytes(secret)
    for text in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield text
        yield text.replace("/", "\\/")
        yield json.dumps(text, ensure_ascii=False)[1:-1]  # a JSON text inside a JSON text
    units = raw_units(secret)
    for slashes in ("\\", "\\\\", "\\\\\\\\"):  # each `repr` or JSON text around it doubles them
        for digits in ("{:04x}", "{:04X}"):
            yield "".join(f"{slashes}u{digits.format(unit)}" for unit in units)
        yield "".join(f"{slashes}x{byte:02x}" for byte in raw)
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(raw)[2:-1]


def raw_units(secret: str) -> list[int]:
    """The UTF-16 units that JSON's `\\u` escapes name."""
    raw = secret.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def _base64(secret: str) -> Iterator[bytes]:
    """At each of the three places in a group of three bytes, without the characters that depend on what stands around."""
    raw = _bytes(secret)
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * offset + raw)
            core = text[math.ceil(offset * 8 / 6) : (offset + len(raw)) * 8 // 6].decode("ascii")
            yield core.encode("ascii")
            yield quote(core, safe="").encode("ascii")  # a token in a query
            yield core.replace("/", "\\/").encode("ascii")


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
