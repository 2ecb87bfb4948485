"""The journal's tables for SQLAlchemy Core, the target that migrations are compared with.

The journal itself speaks plain `sqlite3`; nothing here is loaded when it opens.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

METADATA = MetaData()
TRIGGERS = tuple(
    f"CREATE TRIGGER {name} BEFORE {act} ON records BEGIN SELECT RAISE(ABORT, '{why}'); END"
    for name, act, why in (
        ("records_never_change", "UPDATE", "records never change"),
        ("records_never_leave", "DELETE", "records never leave"),
    )
)


def _keyed(name: str, *members: SchemaItem) -> Table:
    """A table that is its own primary key: no row numbers."""
    return Table(name, METADATA, *members, sqlite_strict=True, sqlite_with_rowid=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _whole(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _of_record(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["seq"], ["records.seq"], name=f"fk_{table}_seq")


META = _keyed("meta", _text("key"), _text("value"), PrimaryKeyConstraint("key", name="pk_meta"))

# `place` is 0 for the one record that prepares an intent and the record's own number for all others, so that one index finds
# what was said of an intent and lets it be prepared once; `number` counts the audit records without gaps.
RECORDS = Table(
    "records",
    METADATA,
    _whole("seq"),
    _whole("epoch"),
    _whole("at"),  # microseconds since 1970, UTC
    _text("kind"),
    _text("profile"),
    Column("intent_id", Text),
    Column("place", Integer),
    Column("number", Integer),
    Column("mono_us", Integer),  # of an audit record: microseconds of the monotonic clock
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("seq", name="pk_records"),
    CheckConstraint("kind IN ('fact', 'audit', 'key', 'note')", name="ck_records_kind"),
    CheckConstraint(
        "(intent_id IS NULL) = (place IS NULL) AND (place IS NULL OR place IN (0, seq))", name="ck_records_place"
    ),
    CheckConstraint(
        "(kind = 'audit') = (number IS NOT NULL) AND (number IS NULL) = (mono_us IS NULL)", name="ck_records_number"
    ),
    sqlite_strict=True,
)
Index(
    "uq_records_intent",
    RECORDS.c.intent_id,
    RECORDS.c.place,
    unique=True,
    sqlite_where=text("intent_id IS NOT NULL"),
)
Index("uq_records_number", RECORDS.c.number, unique=True, sqlite_where=text("number IS NOT NULL"))

CLIENT_IDS = _keyed(  # ours, of submits and replaces
    "client_ids",
    _text("profile"),
    _text("cl_ord_id"),
    _whole("seq"),
    PrimaryKeyConstraint("profile", "cl_ord_id", name="pk_client_ids"),
    _of_record("client_ids"),
)

EXECUTIONS = _keyed(  # each execution once, where it was first told
    "executions",
    _text("profile"),
    _text("intent_id"),
    _text("exec_id"),
    _whole("version"),
    _whole("seq"),
    PrimaryKeyConstraint("profile", "intent_id", "exec_id", "version", name="pk_executions"),
    _of_record("executions"),
)

KEYS = _keyed(  # the record at `seq` says for which body and which intent
    "keys",
    _text("principal"),
    _text("profile"),
    _text("key"),
    _whole("seq"),
    PrimaryKeyConstraint("principal", "profile", "key", name="pk_keys"),
    _of_record("keys"),
)

NOTES = _keyed(  # notes by what they are about: a start reads few of them
    "notes",
    _text("topic"),
    _text("profile"),
    _whole("seq"),
    PrimaryKeyConstraint("topic", "profile", "seq", name="pk_notes"),
    _of_record("notes"),
)

OUTBOX = _keyed(  # how far each consumer of the records has come
    "outbox",
    _text("consumer"),
    _whole("published"),
    PrimaryKeyConstraint("consumer", name="pk_outbox"),
)
