"""What tables of `desk.db` are made of: STRICT, named, with times that cannot lose their zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import SchemaItem

METADATA = MetaData()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored as whole microseconds since 1970 in UTC.  Refuses one without a zone."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return (value - _EPOCH) // _TICK

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _TICK


def table(name: str, *members: SchemaItem) -> Table:
    """A STRICT table on `METADATA`."""
    return Table(name, METADATA, *members, sqlite_strict=True)


def words(name: str, *, optional: bool = False) -> Column[str]:
    """Text."""
    return Column(name, Text, nullable=optional)


def whole(name: str, *, optional: bool = False) -> Column[int]:
    """A whole number; a flag is 0 or 1."""
    return Column(name, Integer, nullable=optional)


def moment(name: str, *, optional: bool = False) -> Column[datetime]:
    """A time."""
    return Column(name, Moment, nullable=optional)
