"""Lists of orders and executions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.codec import Reader
from floorbroker_sim.ibkr.mapping import moment_of
from floorbroker_sim.ibkr.rest import life
from floorbroker_sim.ibkr.rest.records import Executed, Record
from floorbroker_sim.ibkr.rest.state import Client, State, status_words
from floorbroker_sim.ibkr.wire.shown import completed_order, open_order

_SIDES = {"BUY": True, "BOT": True, "SELL": False, "SLD": False}


def tell_open(state: State, client: Client, *, everybody: bool) -> None:
    """`openOrder` and `orderStatus` for each, then the end mark."""
    for record in state.open_orders():
        if not everybody and record.client_id != client.client_id:
            continue
        if record.stale is not None:
            client.send(open_order(record.stale, client.version))
        client.send(open_order(record.shown(), client.version))
        client.send(status_words(record))
    client.send([53, 1])


def tell_completed(state: State, client: Client) -> None:
    """Orders that ended since midnight."""
    for record in state.orders.values():
        if not record.is_open and record.closed_at is not None and record.closed_at >= midnight(state):
            client.send(completed_order(record.shown(), client.version))
    client.send([102])


def midnight(state: State) -> datetime:
    """When the account's day began."""
    return state.clock.now().astimezone(info.ZONE).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filter of `reqExecutions`; what is empty or zero says nothing."""

    client_id: int
    account: str
    since: datetime | None
    symbol: str
    sec_type: str
    exchange: str
    bought: bool | None

    def fits(self, record: Record, executed: Executed) -> bool:
        contract = executed.contract
        return (
            self.client_id in {0, record.client_id}
            and self.account in {"", record.account}
            and (self.since is None or executed.at >= self.since)
            and self.symbol in {"", contract.symbol}
            and self.sec_type in {"", contract.sec_type}
            and self.exchange in {"", contract.exchange, contract.primary}
            and (self.bought is None or self.bought == executed.bought)
        )


def read_filter(reader: Reader) -> Wanted:
    """Raises `BadMessage`, and `Refused` for a time or a side that is none."""
    client_id, (account, since, symbol, sec_type, exchange, side) = reader.whole(), reader.texts(6)
    moment = moment_of(since) if since else None
    if (since and moment is None) or (side and side.upper() not in _SIDES):
        raise errors.invalid("the execution filter has a time or a side that is none")
    return Wanted(
        client_id=client_id, account=account, since=moment, symbol=symbol, sec_type=sec_type, exchange=exchange,
        bought=_SIDES.get(side.upper()),
    )  # fmt: skip


def tell_executions(state: State, client: Client, request: int, wanted: Wanted) -> None:
    """Executions since midnight, each with its commission, then the end mark."""
    start = midnight(state)
    for record, executed in _today(state.executed, start):
        if wanted.fits(record, executed):
            client.send(life.execution_words(record, executed, request, client.version))
            if not executed.summary:
                client.send(life.fee_words(executed))
    client.send([55, 1, request])


def _today(found: Iterable[tuple[Record, Executed]], start: datetime) -> list[tuple[Record, Executed]]:
    return [(record, executed) for record, executed in found if executed.at >= start]
