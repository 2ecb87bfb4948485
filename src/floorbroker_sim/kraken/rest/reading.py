"""Arguments as they come: form bodies, JSON bodies and the `params` of a socket command, read alike and exactly.

A number keeps the digits it was sent with; `True`, `true` and `1` are all true, for clients write each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

import msgspec

from floorbroker.domain.values import NotExact, decimal_of
from floorbroker_sim.http import Request
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.rest.records import Level, Unit

_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no", ""})
_MAX_SECONDS = 10 * 366 * 86_400
_UNITS = {unit.value: unit for unit in Unit}


class Params:
    """Named arguments.  A null is no argument; raises `Refused` for one that cannot be read."""

    def __init__(self, values: Mapping[str, str | msgspec.Raw]) -> None:
        self._values = values

    @classmethod
    def of_json(cls, raw: bytes | msgspec.Raw) -> Params:
        """Raises `Refused` for anything but an object."""
        try:
            members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            values = {name: _scalar(value) for name, value in members.items()}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused("EAPI:Bad request") from error
        return cls({name: value for name, value in values.items() if value is not None})

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def text(self, name: str) -> str | None:
        """None when it is absent or empty."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise invalid(name)
        return value

    def need(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise invalid(name)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name)
        if value is None:
            return default
        if value.lower() in _TRUE | _FALSE:
            return value.lower() in _TRUE
        raise invalid(name)

    def whole(self, name: str, *, low: int = 0, high: int = 1 << 62) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        digits = value.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or len(digits) > 20 or not low <= int(value) <= high:
            raise invalid(name)
        return int(value)

    def amount(self, name: str) -> Decimal | None:
        value = self.text(name)
        return None if value is None else _decimal(value, name)

    def choice(self, name: str, allowed: Mapping[str, str] | frozenset[str], default: str) -> str:
        value = self.text(name)
        if value is None:
            return default
        if value not in allowed:
            raise invalid(name)
        return allowed[value] if isinstance(allowed, Mapping) else value

    def level(self, name: str) -> Level | None:
        """A price of REST: `37500`, `+5.0`, `-2%`, `#10`."""
        text = self.text(name)
        if text is None:
            return None
        sign, body = (text[0], text[1:]) if text[0] in "+-#" else ("", text)
        unit = Unit.PCT if body.endswith("%") else Unit.QUOTE if sign else Unit.STATIC
        if unit is Unit.PCT and not sign:
            raise invalid(name)
        value = _decimal(body.removesuffix("%"), name)
        if sign and value < 0:
            raise invalid(name)
        return Level(value=-value if sign == "-" else value, unit=unit, automatic=sign == "#")

    def typed_level(self, name: str, unit_name: str) -> Level | None:
        """A price of WebSocket v2: a number, and its unit beside it."""
        value = self.amount(name)
        if value is None:
            return None
        unit = _UNITS.get(self.text(unit_name) or "static")
        if unit is None:
            raise invalid(unit_name)
        return Level(value=value, unit=unit)

    def inner(self, name: str) -> Params | None:
        """A nested object, or form keys such as `close[ordertype]`."""
        value = self._values.get(name)
        if isinstance(value, msgspec.Raw):
            return Params.of_json(value)
        prefix = f"{name}["
        found = {key[len(prefix) : -1]: v for key, v in self._values.items() if key.startswith(prefix)}
        if value is not None and value != "":
            raise invalid(name)
        return Params(found) if found else None

    def names(self, name: str) -> list[str]:
        """A list of texts: an array, or one text with commas."""
        value = self._values.get(name)
        if value is None:
            return []
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        found = [_scalar(item) for item in _array(value, name)]
        if not all(isinstance(item, str) for item in found):
            raise invalid(name)
        return [str(item) for item in found]

    def objects(self, name: str) -> list[Params]:
        """An array of objects."""
        value = self._values.get(name)
        if not isinstance(value, msgspec.Raw):
            raise invalid(name)
        return [Params.of_json(item) for item in _array(value, name)]

    def moment(self, name: str, now: datetime) -> datetime | None:
        """A time of REST: zero for none, `+seconds` from now, or seconds since 1970."""
        text = self.text(name)
        if text is None or text == "0":
            return None
        value = _decimal(text.removeprefix("+"), name)
        if not 0 <= value <= (_MAX_SECONDS if text.startswith("+") else 8 * 10**9):
            raise invalid(name)
        start = now if text.startswith("+") else datetime(1970, 1, 1, tzinfo=UTC)
        return start + timedelta(microseconds=int(value * 1_000_000))

    def rfc3339(self, name: str) -> datetime | None:
        """A time of WebSocket v2."""
        text = self.text(name)
        return None if text is None else moment_of(text, name)


def moment_of(text: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(_six_digits(text))
        if found.tzinfo is None or not 1970 <= found.year <= 2200:
            raise invalid(name)
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise invalid(name) from error


def _six_digits(text: str) -> str:
    """Nanoseconds cut to microseconds."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    zone = tail.lstrip("0123456789")
    return f"{head}.{tail[: len(tail) - len(zone)][:6].ljust(6, '0')}{zone}"


def _decimal(text: str, name: str) -> Decimal:
    try:
        return decimal_of(text)
    except NotExact as error:
        raise invalid(name) from error


def _scalar(raw: msgspec.Raw) -> str | msgspec.Raw | None:
    """Texts decoded, numbers and booleans as they are spelled, arrays and objects kept."""
    token = bytes(raw).strip()
    if token[:1] == b'"':
        return msgspec.json.decode(token, type=str)
    if token[:1] in (b"{", b"["):
        return msgspec.Raw(token)
    return None if token == b"null" else token.decode()


def _array(raw: msgspec.Raw, name: str) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise invalid(name) from error


def params_of(request: Request) -> Params:
    """The arguments of a request: its query, or its body by content type."""
    if request.method == "GET":
        return Params(dict(request.query))
    if "json" in request.headers.get("content-type", ""):
        return Params.of_json(request.body)
    return Params(form(request.body))


def form(body: bytes) -> dict[str, str]:
    """A form body; the last value of a name counts."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=False, max_num_fields=500))
    except ValueError as error:
        raise Refused("EAPI:Bad request") from error
