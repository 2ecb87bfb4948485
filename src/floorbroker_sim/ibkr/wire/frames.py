"""The shorter messages to the client, one function each: the fields of the whole message.  Fact sheet C4."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from floorbroker_sim.ibkr import info
from floorbroker_sim.ibkr.codec import Word
from floorbroker_sim.ibkr.errors import Refused
from floorbroker_sim.ibkr.wire.contracts import Contract

Words = list[Word]


def local_text(at: datetime) -> str:
    """`20260105 10:31:22 US/Eastern`."""
    return f"{at.astimezone(info.ZONE):%Y%m%d %H:%M:%S} {info.ZONE_NAME}"


def hello(version: int, at: datetime) -> Words:
    return [version, f"{at.astimezone(info.ZONE):%Y%m%d %H:%M:%S %Z}"]


def error(request: int, refused: Refused, version: int) -> Words:
    return [4, 2, request, refused.code, refused.text, *([""] if version >= 166 else [])]


def order_status(
    order_id: int, status: str, *, filled: Decimal, remaining: Decimal, average: Decimal, perm_id: int, parent_id: int,
    last: Decimal, client_id: int, why_held: str,
) -> Words:  # fmt: skip
    return [3, order_id, status, filled, remaining, average, perm_id, parent_id, last, client_id, why_held, Decimal(0)]


def execution(
    request: int, order_id: int, contract: Contract, *, exec_id: str, at: datetime, account: str, exchange: str, bought: bool,
    qty: Decimal, price: Decimal, perm_id: int, client_id: int, total: Decimal, average: Decimal, order_ref: str,
    maker: bool, version: int,
) -> Words:  # fmt: skip
    late = [0] if version >= 178 else []
    return [
        11, request, order_id, *contract.words, exec_id, local_text(at), account, exchange, "BOT" if bought else "SLD", qty,
        price, perm_id, client_id, 0, total, average, order_ref, "", "", "", 1 if maker else 2, *late,
    ]  # fmt: skip


def commission(exec_id: str, fee: Decimal, currency: str, realized: Decimal | None) -> Words:
    profit = "1.7976931348623157E308" if realized is None else realized
    return [59, 1, exec_id, fee, currency, profit, "1.7976931348623157E308", ""]


def account_value(key: str, value: str, currency: str, account: str) -> Words:
    return [6, 2, key, value, currency, account]


def portfolio_value(
    contract: Contract, *, qty: Decimal, price: Decimal, value: Decimal, cost: Decimal, unrealized: Decimal,
    realized: Decimal, account: str,
) -> Words:  # fmt: skip
    return [7, 8, *contract.portfolio_words, qty, price, value, cost, unrealized, realized, account]


def position(account: str, contract: Contract, qty: Decimal, cost: Decimal) -> Words:
    return [61, 3, account, *contract.words, qty, cost]


def position_multi(request: int, account: str, contract: Contract, *, qty: Decimal, cost: Decimal, model: str) -> Words:
    return [71, 1, request, account, *contract.words, qty, cost, model]


def option_params(
    request: int, exchange: str, *, under: int, trading_class: str, expiries: Sequence[str], strikes: Sequence[Decimal]
) -> Words:
    return [75, request, exchange, under, trading_class, "100", len(expiries), *expiries, len(strikes), *strikes]


def tick_price(request: int, kind: int, price: Decimal, size: Decimal) -> Words:
    return [1, 6, request, kind, price, size, 0]


def tick_size(request: int, kind: int, size: Decimal) -> Words:
    return [2, 6, request, kind, size]
