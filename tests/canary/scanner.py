"""Looks for canaries in whatever came out: each in each spelling, and once more in what the bytes decode to."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tests.canary.canaries import CANARIES, ENCODINGS

_RUN = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_UNICODE = re.compile(rb"\\+u([0-9a-fA-F]{4})")
_BYTE = re.compile(rb"\\+x([0-9a-fA-F]{2})")
_LOGIN = "base64 of a login"  # what stands around the secret changes its first and last characters


@dataclass(frozen=True, slots=True)
class Hit:
    """One canary that was seen."""

    canary: str
    encoding: str
    where: str

    def __str__(self) -> str:
        return f"{self.canary}, as {self.encoding}, in {self.where}"


def _needles(canaries: Mapping[str, str]) -> Iterator[tuple[bytes, str, str]]:
    for name, secret in canaries.items():
        for encoding, encode in ENCODINGS.items():
            told = encode(secret)
            text = told[4:-3].rstrip("=")[:-1] if encoding == _LOGIN else told.rstrip("=")
            yield text.encode(), name, encoding


@dataclass(slots=True)
class Scanner:
    """What it knows, and what it has found."""

    canaries: Mapping[str, str] = field(default_factory=lambda: CANARIES)
    hits: list[Hit] = field(default_factory=list)
    seen_bytes: int = 0
    _needles: list[tuple[bytes, str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._needles = list(_needles(self.canaries))

    def look(self, what: bytes | str, where: str) -> list[Hit]:
        """Note every canary in it; those found now."""
        raw = what.encode("utf-8", "surrogatepass") if isinstance(what, str) else what
        self.seen_bytes += len(raw)
        found = {Hit(name, encoding, where) for needle, name, encoding in self._needles if needle in raw}
        decoded = b"\n".join(_decoded(raw))
        found |= {
            Hit(name, "something that decodes to it", where)
            for name, secret in self.canaries.items()
            if secret.encode() in decoded
        }
        self.hits += found
        return sorted(found, key=str)

    def look_into(self, folder: Path) -> list[Hit]:
        """Every file below a folder, and the names of the files."""
        found: list[Hit] = []
        for path in sorted(folder.rglob("*")):
            found += self.look(str(path.relative_to(folder)), "the name of a file")
            if path.is_file() and (raw := path.read_bytes()).strip(b"\0"):  # the reserve is sixteen million zeros
                found += self.look(raw, str(path.relative_to(folder)))
        return found


def _decoded(raw: bytes) -> Iterator[bytes]:
    if b"%" in raw:
        yield unquote_to_bytes(raw)
        yield unquote_to_bytes(raw.replace(b"+", b" "))
    if b"&" in raw:
        yield html.unescape(raw.decode("utf-8", "replace")).encode("utf-8", "replace")
    if b"\\" in raw:
        yield _UNICODE.sub(lambda found: bytes([int(found[1], 16) & 0xFF]), raw)
        yield _BYTE.sub(lambda found: bytes([int(found[1], 16)]), raw)
        yield raw.replace(b'\\"', b'"').replace(b"\\/", b"/").replace(b"\\\\", b"\\")
    yield raw.replace(b"\0", b"")
    for run in _HEX.findall(raw):
        yield bytes.fromhex(run.decode())
    for run in _RUN.findall(raw):
        yield from _unpacked(run)


def _unpacked(run: bytes) -> Iterator[bytes]:
    standard = run.translate(bytes.maketrans(b"-_", b"+/"))
    for skip in range(4):
        part = standard[skip:]
        try:
            yield base64.b64decode(part[: len(part) // 4 * 4])
        except binascii.Error:
            continue


def of_json(document: object) -> str:
    """A document as a scanner sees it best."""
    return json.dumps(document, ensure_ascii=False, default=repr)
