"""The form of an order, read: one shape for all classes, from parameters with and without an index.

https://documentation.tradier.com/brokerage-api/trading/place-equity-order and the pages of the other classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.rest.reading import Params, amount, flag

_MAX_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One order or one leg of the form, as asked for; texts are empty and numbers None where absent."""

    symbol: str
    option_symbol: str
    side: str
    quantity: Decimal | None
    type: str
    price: Decimal | None
    stop: Decimal | None
    duration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The whole form."""

    kind: str
    symbol: str
    type: str
    duration: str
    price: Decimal | None
    stop: Decimal | None
    tag: str
    preview: bool
    parts: tuple[Part, ...]


def read(params: Params) -> Wish:
    """Raises `Refused` for an unknown class and for what is no number."""
    kind = _word(params, "class")
    if kind not in info.CLASSES:
        raise Refused(400, f"class is invalid: {kind}" if kind else "class is required")
    single = kind in {"equity", "option"}
    indexes = [""] if single else [f"[{n}]" for n in range(_MAX_PARTS + 1) if _has(params, f"[{n}]")]
    return Wish(
        kind=kind, symbol=params.get("symbol", "").strip().upper(), type=_word(params, "type"),
        duration=_word(params, "duration") or _word(params, "duration[0]"), price=amount(params, "price"),
        stop=amount(params, "stop"), tag=params.get("tag", ""), preview=flag(params, "preview"),
        parts=tuple(_part(params, index, kind) for index in indexes),
    )  # fmt: skip


def _has(params: Params, index: str) -> bool:
    return any(params.get(f"{name}{index}") for name in ("side", "quantity", "option_symbol", "symbol"))


def _part(params: Params, index: str, kind: str) -> Part:
    own = kind in info.FAMILIES or not index  # legs that trade together share type and price
    return Part(
        symbol=(params.get(f"symbol{index}") or params.get("symbol", "")).strip().upper(),
        option_symbol=params.get(f"option_symbol{index}", "").strip().upper().replace(" ", ""),
        side=_word(params, f"side{index}"), quantity=amount(params, f"quantity{index}"),
        type=_word(params, f"type{index}" if own else "type"), price=amount(params, f"price{index}") if own else None,
        stop=amount(params, f"stop{index}") if own else None,
        duration=_word(params, f"duration{index}") or _word(params, "duration"),
    )  # fmt: skip


def _word(params: Params, name: str) -> str:
    return params.get(name, "").strip().lower()
