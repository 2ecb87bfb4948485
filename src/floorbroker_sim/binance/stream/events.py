"""User data events as the venue spells them.

https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from msgspec import UNSET

from floorbroker.domain.values import ZERO
from floorbroker_sim.binance import wire
from floorbroker_sim.binance.mapping import SIDES, outside, shown_qty
from floorbroker_sim.binance.rest.records import Execution, OrderList, Prevented, Record
from floorbroker_sim.binance.wire import Instant, number


def report(
    record: Record,
    what: str,
    *,
    at: datetime,
    execution_id: int,
    cancel_id: str | None = None,
    former_id: str = "",
    fill: Execution | None = None,
) -> wire.Report:
    """`executionReport`: `what` is the execution type.  On a cancel `c` is the cancel's own id and `C` the order's."""
    ticket = record.ticket
    made = wire.Report(
        E=Instant(at), s=outside(record.symbol), c=cancel_id or record.client_id, S=SIDES[record.side], o=ticket.type,
        f=ticket.tif, q=number(shown_qty(record)), p=number(ticket.price), P=number(ticket.stop_price),
        F=number(ticket.iceberg_qty), g=record.list_id, C=record.client_id if cancel_id else former_id, x=what,
        X=record.status, r=record.reason, i=record.id, l=number(ZERO), z=number(record.executed), L=number(ZERO), n="0",
        N=None, T=Instant(at), t=-1, I=execution_id, w=record.is_working, m=False, M=False,
        O=Instant(record.created_at), Z=number(record.spent), Y=number(ZERO), Q=number(ticket.quote_qty),
        V=ticket.prevention,
    )  # fmt: skip
    if fill is not None:
        made.l, made.L, made.Y = number(fill.qty), number(fill.price), number(fill.quote_qty)
        made.n, made.N, made.t = number(fill.commission), fill.commission_asset, fill.trade_id
        made.m, made.M = fill.maker, True
    _add_what_applies(made, record)
    return made


def _add_what_applies(made: wire.Report, record: Record) -> None:
    ticket = record.ticket
    if record.working_at is not None:
        made.W = Instant(record.working_at)
    if ticket.delta is not None:
        made.d = ticket.delta
        made.D = -1 if record.trailing_at is None else Instant(record.trailing_at)
    made.j = UNSET if ticket.strategy_id is None else ticket.strategy_id
    made.J = UNSET if ticket.strategy_type is None else ticket.strategy_type
    if record.prevented_id is not None:
        made.v, made.A = record.prevented_id, number(record.prevented)
    made.eR = record.expiry or UNSET


def add_prevention(made: wire.Report, match: Prevented, *, qty: Decimal, counter: int) -> wire.Report:
    """What a prevented match adds to the report of one of its two orders."""
    made.B, made.u, made.U, made.Cs = number(qty), -1, counter, outside(match.symbol)
    made.pl, made.pL, made.pY = number(qty), number(match.price), number(qty * match.price)
    return made


def position(balances: Iterable[tuple[str, Decimal, Decimal]], *, at: datetime) -> dict[str, object]:
    """`outboundAccountPosition`: assets with what is free and what is locked."""
    return {
        "e": "outboundAccountPosition", "E": Instant(at), "u": Instant(at),
        "B": [{"a": asset, "f": number(free), "l": number(held)} for asset, free, held in balances],
    }  # fmt: skip


def balance_update(asset: str, delta: Decimal, *, at: datetime) -> dict[str, object]:
    """`balanceUpdate`: money that came or went without a trade."""
    return {"e": "balanceUpdate", "E": Instant(at), "a": asset, "d": number(delta), "T": Instant(at)}


def list_status(orders: OrderList, members: list[Record], *, at: datetime) -> dict[str, object]:
    """`listStatus`."""
    return {
        "e": "listStatus", "E": Instant(at), "s": outside(orders.symbol), "g": orders.id, "c": orders.contingency,
        "l": orders.status_type, "L": orders.order_status, "r": "NONE", "C": orders.client_id, "T": Instant(at),
        "O": [{"s": outside(m.symbol), "i": m.id, "c": m.client_id} for m in members],
    }  # fmt: skip


def terminated(at: datetime) -> dict[str, object]:
    """`eventStreamTerminated`."""
    return {"e": "eventStreamTerminated", "E": Instant(at)}


def shutdown(at: datetime) -> dict[str, object]:
    """`serverShutdown`."""
    return {"e": "serverShutdown", "E": Instant(at)}
