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
    UniqueConstraint,
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


def _numbered(name: str, *members: SchemaItem) -> Table:
    """A table of numbers that are never given twice."""
    return Table(name, METADATA, *members, sqlite_strict=True, sqlite_autoincrement=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _whole(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _of_record(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["seq"], ["records.seq"], name=f"fk_{table}_seq")


META = _keyed("meta", _text("key"), _text("value"), PrimaryKeyConstraint("key", name="pk_meta"))

RECORDS = _numbered(
    "records",
    Column("seq", Integer, primary_key=True, nullable=False),
    _whole("epoch"),
    _whole("at"),  # microseconds since 1970, UTC
    _text("kind"),
    _text("profile"),
    Column("intent_id", Text),
    Column("body", LargeBinary, nullable=False),
    CheckConstraint("kind IN ('fact', 'audit', 'key', 'note')", name="ck_records_kind"),
)
Index("ix_records_intent", RECORDS.c.intent_id, sqlite_where=text("intent_id IS NOT NULL"))

INTENTS = _keyed(  # one `prepared` per intent
    "intents",
    _text("intent_id"),
    _whole("seq"),
    PrimaryKeyConstraint("intent_id", name="pk_intents"),
    _of_record("intents"),
)

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

KEYS = _keyed(
    "keys",
    _text("principal"),
    _text("profile"),
    _text("key"),
    _text("body_hash"),
    _text("intent_id"),
    _whole("seq"),
    PrimaryKeyConstraint("principal", "profile", "key", name="pk_keys"),
    _of_record("keys"),
)

AUDIT = _numbered(  # numbers the audit records without gaps
    "audit",
    Column("number", Integer, primary_key=True, nullable=False),
    _whole("seq"),
    _whole("mono_us"),  # microseconds of the monotonic clock
    UniqueConstraint("seq", name="uq_audit_seq"),
    _of_record("audit"),
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
