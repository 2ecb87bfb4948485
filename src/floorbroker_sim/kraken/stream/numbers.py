"""Frames as text: fixed-point numbers made from whole ticks and lots, and one encoder for the rest."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from floorbroker_sim.kraken.info import Pair
from floorbroker_sim.kraken.rest.ladder import Level

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


def encode(message: object) -> str:
    """A frame."""
    return _ENCODE(message).decode()


def fixed_point(units: int, decimals: int) -> str:
    """`units` of the last decimal as a JSON number: 1 and 8 give `0.00000001`."""
    if not decimals:
        return str(units)
    digits = str(units).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def side(levels: Iterable[Level], pair: Pair) -> msgspec.Raw:
    """One side of a book message, levels in order."""
    price, lots = pair.price_decimals, pair.lot_decimals
    rows = (f'{{"price":{fixed_point(p, price)},"qty":{fixed_point(q, lots)}}}' for p, q in levels)
    return msgspec.Raw(f"[{','.join(rows)}]".encode())
