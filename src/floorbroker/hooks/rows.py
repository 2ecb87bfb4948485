"""Hooks and deliveries in `desk.db`: records to rows and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from floorbroker.domain.errors import NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName, text_of
from floorbroker.hooks.records import REPLAY_MAX_S, Auth, Delivery, Hook, Kind, Signal, State, Target
from floorbroker.store.desk.database import DeskDatabase
from floorbroker.store.desk.hooks import CURSORS, DELIVERIES, HOOKS, SIGNALS, TARGETS

KEPT = 1000  # ended deliveries of one hook, and signals that are older than any hook remembers
REMEMBERED = timedelta(seconds=REPLAY_MAX_S)
PAGE = 100


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything that is asked of the tables of hooks.  Every call raises `JournalFault` where the file cannot be used."""

    cold: DeskDatabase

    # -- hooks and signals ------------------------------------------------------------------------------------------------

    async def hooks(self) -> list[Hook]:
        async with self.cold.reading() as c:
            return [_hook(row) for row in (await c.execute(select(HOOKS).order_by(HOOKS.c.name))).mappings()]

    async def add_hook(self, hook: Hook) -> None:
        """Raises `Conflict` for a name that is taken."""
        async with self.cold.begin() as c:
            await c.execute(insert(HOOKS), _of_hook(hook))

    async def put_hook(self, hook: Hook) -> None:
        async with self.cold.begin() as c:
            await c.execute(update(HOOKS).where(HOOKS.c.id == hook.id), _of_hook(hook))

    async def remove_hook(self, hook_id: str) -> None:
        async with self.cold.begin() as c:
            await c.execute(delete(HOOKS).where(HOOKS.c.id == hook_id))

    async def begin_signal(
        self, signal: Signal, *, like: str = "", since: datetime | None = None
    ) -> tuple[Signal, bool]:
        """Keep a signal, or find the one it repeats: the same `dedupe`, or one that begins `like` and is no older than `since`.

        Whether it is new comes with it.
        """
        mine = SIGNALS.c.hook_id == signal.hook_id
        async with self.cold.begin() as c:
            same = SIGNALS.c.dedupe == signal.dedupe
            if like and since is not None:
                same = SIGNALS.c.dedupe.startswith(like, autoescape=True) & (SIGNALS.c.at >= since)
            query = select(SIGNALS).where(mine, same).order_by(SIGNALS.c.at.desc()).limit(1)
            if (known := (await c.execute(query)).mappings().first()) is not None:
                return _signal(known), False
            await c.execute(insert(SIGNALS), _of_signal(signal))
            await _prune(c, SIGNALS, SIGNALS.c.at, mine & (SIGNALS.c.at < signal.at - REMEMBERED))
            return signal, True

    async def end_signal(self, signal: Signal) -> None:
        async with self.cold.begin() as c:
            told = {"outcome": signal.outcome, "detail": signal.detail, "intent_id": signal.intent_id}
            await c.execute(update(SIGNALS).where(SIGNALS.c.id == signal.id), told)

    async def signals(self, hook_id: str, *, limit: int = PAGE) -> list[Signal]:
        """The newest first."""
        query = select(SIGNALS).where(SIGNALS.c.hook_id == hook_id).order_by(SIGNALS.c.at.desc()).limit(limit)
        async with self.cold.reading() as c:
            return [_signal(row) for row in (await c.execute(query)).mappings()]

    # -- targets ----------------------------------------------------------------------------------------------------------

    async def targets(self) -> list[Target]:
        async with self.cold.reading() as c:
            return [_target(row) for row in (await c.execute(select(TARGETS).order_by(TARGETS.c.name))).mappings()]

    async def add_target(self, target: Target) -> None:
        """Raises `Conflict` for a name that is taken."""
        async with self.cold.begin() as c:
            await c.execute(insert(TARGETS), _of_target(target))

    async def put_target(self, target: Target) -> None:
        async with self.cold.begin() as c:
            await c.execute(update(TARGETS).where(TARGETS.c.id == target.id), _of_target(target))

    async def remove_target(self, target_id: str) -> None:
        async with self.cold.begin() as c:
            await c.execute(delete(TARGETS).where(TARGETS.c.id == target_id))

    # -- deliveries -------------------------------------------------------------------------------------------------------

    async def cursor(self, environment: Environment) -> int | None:
        """How far events were collected; None before the first."""
        async with self.cold.reading() as c:
            return (await c.execute(select(CURSORS.c.seq).where(CURSORS.c.environment == environment.value))).scalar()

    async def collect(self, deliveries: Iterable[Delivery], *, environment: Environment, seq: int) -> None:
        """Keep deliveries and how far the journal was read, in one transaction.  One that is known is kept as it is."""
        async with self.cold.begin() as c:
            for delivery in deliveries:
                await c.execute(upsert(DELIVERIES).on_conflict_do_nothing(), _of_delivery(delivery))
            told = upsert(CURSORS).values(environment=environment.value, seq=seq)
            await c.execute(told.on_conflict_do_update(index_elements=["environment"], set_={"seq": seq}))

    async def due(self, now: datetime, *, limit: int = PAGE) -> list[Delivery]:
        """What waits and may leave by now, oldest first."""
        waiting = (DELIVERIES.c.state == State.WAITING.value, DELIVERIES.c.due_at <= now)
        query = select(DELIVERIES).where(*waiting).order_by(DELIVERIES.c.made_at, DELIVERIES.c.seq).limit(limit)
        async with self.cold.reading() as c:
            return [_delivery(row) for row in (await c.execute(query)).mappings()]

    async def next_due(self) -> datetime | None:
        """When the next delivery may leave."""
        query = select(func.min(DELIVERIES.c.due_at)).where(DELIVERIES.c.state == State.WAITING.value)
        async with self.cold.reading() as c:
            return (await c.execute(query)).scalar()

    async def waiting(self) -> int:
        query = select(func.count()).select_from(DELIVERIES).where(DELIVERIES.c.state == State.WAITING.value)
        async with self.cold.reading() as c:
            return (await c.execute(query)).scalar() or 0

    async def put_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """What became of tries; of those that have ended only the newest are kept."""
        async with self.cold.begin() as c:
            for delivery in deliveries:
                await c.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery.id), _of_delivery(delivery))
            for target_id in {delivery.target_id for delivery in deliveries}:
                ended = (DELIVERIES.c.target_id == target_id) & (DELIVERIES.c.state != State.WAITING.value)
                await _prune(c, DELIVERIES, DELIVERIES.c.made_at, ended)

    async def deliveries(self, target_id: str, *, limit: int = PAGE) -> list[Delivery]:
        """The newest first."""
        query = select(DELIVERIES).where(DELIVERIES.c.target_id == target_id)
        query = query.order_by(DELIVERIES.c.made_at.desc(), DELIVERIES.c.seq.desc()).limit(limit)
        async with self.cold.reading() as c:
            return [_delivery(row) for row in (await c.execute(query)).mappings()]

    async def delivery(self, target_id: str, delivery_id: str) -> Delivery:
        """Raises `NotFound`."""
        query = select(DELIVERIES).where(DELIVERIES.c.id == delivery_id, DELIVERIES.c.target_id == target_id)
        async with self.cold.reading() as c:
            row = (await c.execute(query)).mappings().first()
        if row is None:
            raise NotFound("no such delivery")
        return _delivery(row)


async def _prune(c: AsyncConnection, rows: Any, by: Any, mine: Any) -> None:
    """Remove all but the newest rows of one owner."""
    keep = select(rows.c.id).where(mine).order_by(by.desc()).limit(KEPT)
    oldest = select(rows.c.id).where(mine, rows.c.id.not_in(keep))
    await c.execute(delete(rows).where(rows.c.id.in_(oldest)))


# -- rows and records -----------------------------------------------------------------------------------------------------


def _hook(row: RowMapping) -> Hook:
    return Hook(
        id=row["id"],
        name=row["name"],
        environment=Environment(row["environment"]),
        profile=ProfileName(row["profile"]),
        strategy=row["strategy"],
        auth=Auth(row["auth"]),
        digest=row["digest"],
        secret=_secret(row["secret"]),
        template=json.loads(row["template"]),
        words=json.loads(row["words"]),
        symbols=_parts(row["symbols"], " "),
        max_quantity=_number(row["max_quantity"]),
        max_notional=_number(row["max_notional"]),
        per_minute=row["per_minute"],
        replay_s=row["replay_s"],
        enabled=bool(row["enabled"]),
        version=row["version"],
        created_at=row["created_at"],
    )


def _of_hook(hook: Hook) -> dict[str, Any]:
    return _plain(hook) | {
        "template": json.dumps(dict(hook.template)),
        "words": json.dumps(dict(hook.words)),
        "symbols": " ".join(hook.symbols),
    }


def _target(row: RowMapping) -> Target:
    return Target(
        id=row["id"],
        name=row["name"],
        kind=Kind(row["kind"]),
        url=Secret(row["url"]),
        secret=_secret(row["secret"]),
        events=_parts(row["events"], " "),
        environments=tuple(Environment(word) for word in _parts(row["environments"], " ")),
        quiet=row["quiet"],
        group_s=row["group_s"],
        enabled=bool(row["enabled"]),
        version=row["version"],
        created_at=row["created_at"],
    )


def _of_target(target: Target) -> dict[str, Any]:
    return _plain(target) | {
        "events": " ".join(target.events),
        "environments": " ".join(environment.value for environment in target.environments),
    }


def _signal(row: RowMapping) -> Signal:
    return Signal(**dict(row))


def _of_signal(signal: Signal) -> dict[str, Any]:
    return _plain(signal)


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(
        id=row["id"],
        target_id=row["target_id"],
        event_id=row["event_id"],
        event=row["event"],
        environment=Environment(row["environment"]),
        seq=row["seq"],
        body=row["body"],
        made_at=row["made_at"],
        due_at=row["due_at"],
        state=State(row["state"]),
        attempts=row["attempts"],
        ended_at=row["ended_at"],
        status=row["status"],
        trouble=row["trouble"],
    )


def _of_delivery(delivery: Delivery) -> dict[str, Any]:
    return _plain(delivery)


def _plain(record: object) -> dict[str, Any]:
    """Members as columns hold them."""
    slots: Mapping[str, Any] = {name: getattr(record, name) for name in type(record).__slots__}  # type: ignore[attr-defined]
    return {name: _column(value) for name, value in slots.items()}


def _column(value: object) -> object:
    match value:
        case Secret():
            return value.reveal()
        case Environment() | Auth() | Kind() | State():
            return value.value
        case Decimal():
            return text_of(value)
        case bool():
            return int(value)
        case _:
            return value


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _parts(text: str, mark: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(mark) if part)
