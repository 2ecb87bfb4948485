"""Entries of the journal to bytes and back.

A body is one JSON object: `{"v": schema, "k": kind, "d": members}`.  `k` is the kind of the fact, or `audit`, `key`,
`note`. Encoding is canonical: members in the order of their class, mapping keys sorted, no spaces; decimals are text
with the digits they came with (`1.0` stays `1.0`, so that a replayed fact equals the live one to the last character),
times RFC 3339 in UTC.

A body of an older schema decodes, because members are only ever added with defaults (ADR 0005).  A body of a newer
schema, or of a kind this build does not know, is a `JournalFault`: half-understood history is no history.
"""

from __future__ import annotations

from typing import Any

import msgspec

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import FACTS, SCHEMA, Fact
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, KeyEntry, NoteEntry
from floorbroker.domain.values import IntentId, ProfileName
from floorbroker.store.soundness import is_sound

ENTRY_SCHEMA = 1  # of audit, key and note entries; facts have their own `SCHEMA`


class _Envelope(msgspec.Struct, frozen=True):
    v: int
    k: str
    d: msgspec.Raw


class _Audit(msgspec.Struct, frozen=True):
    """The members of an `AuditEntry` that have no column of their own."""

    actor: str
    via: str
    action: str
    object: str
    outcome: str
    reason: str = ""
    req: str = ""
    detail: dict[str, str] = {}


class _Key(msgspec.Struct, frozen=True):
    principal: str
    key: str
    body_hash: str


class _Note(msgspec.Struct, frozen=True):
    topic: str
    data: dict[str, str]


@frozen
class Row:
    """An entry as columns: `kind` out of `fact audit key note`, the names it is found by, and its body."""

    kind: str
    profile: ProfileName
    intent_id: IntentId | None
    body: bytes


_ENCODER = msgspec.json.Encoder(order="deterministic")
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_FACTS: dict[str, msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(cls) for kind, cls in FACTS.items()}
_AUDIT = msgspec.json.Decoder(_Audit)
_KEY = msgspec.json.Decoder(_Key)
_NOTE = msgspec.json.Decoder(_Note)


def encode_fact(fact: Fact) -> bytes:
    """The canonical body of a fact.  Raises `JournalFault` for a class that is not in the schema."""
    if FACTS.get(fact.kind) is not type(fact):
        raise JournalFault(f"{type(fact).__name__} is no fact of schema {SCHEMA}")
    return _body(SCHEMA, fact.kind, fact)


def decode_fact(body: bytes) -> Fact:
    """The fact in a body.

    Raises `JournalFault` for a newer schema, an unknown kind, a body that does not parse, and one whose numbers are none.
    """
    envelope = _opened(body)
    if envelope.v > SCHEMA:
        raise JournalFault(
            f"a fact of schema {envelope.v}: this build reads schema {SCHEMA} and older; update Floorbroker"
        )
    decoder = _FACTS.get(envelope.k)
    if decoder is None:
        raise JournalFault(f"unknown kind of fact {envelope.k!r} in the journal")
    fact: Fact = _decoded(decoder, envelope)
    if not is_sound(fact):
        raise JournalFault(f"a {envelope.k!r} body in the journal holds a number or a time nobody can work with")
    return fact


def encode(entry: Entry) -> Row:
    """An entry as the columns and the body it is stored with."""
    match entry:
        case FactEntry():
            return Row(kind="fact", profile=entry.profile, intent_id=entry.intent_id, body=encode_fact(entry.fact))
        case AuditEntry():
            return Row(kind="audit", profile=entry.profile, intent_id=None, body=_entry("audit", _audit(entry)))
        case KeyEntry():
            key = _Key(principal=entry.principal, key=entry.key, body_hash=entry.body_hash)
            return Row(kind="key", profile=entry.profile, intent_id=entry.intent_id, body=_entry("key", key))
        case NoteEntry():
            note = _Note(topic=entry.topic, data=dict(entry.data))
            return Row(kind="note", profile=entry.profile, intent_id=None, body=_entry("note", note))


def decode(row: Row) -> Entry:
    """The entry a row holds.  Raises `JournalFault` as `decode_fact` does."""
    if row.kind == "fact":
        return FactEntry(profile=row.profile, intent_id=_owner(row), fact=decode_fact(row.body))
    envelope = _opened(row.body)
    if envelope.v > ENTRY_SCHEMA:
        raise JournalFault(
            f"{row.kind} entry of schema {envelope.v}: this build reads {ENTRY_SCHEMA}; update Floorbroker"
        )
    if envelope.k != row.kind or row.kind not in _ENTRIES:
        raise JournalFault(f"unknown kind of entry {row.kind!r} holding {envelope.k!r} in the journal")
    return _ENTRIES[row.kind](row, envelope)


def _audit(entry: AuditEntry) -> _Audit:
    return _Audit(
        actor=entry.actor, via=entry.via, action=entry.action, object=entry.object, outcome=entry.outcome,
        reason=entry.reason, req=entry.req, detail=dict(entry.detail),
    )  # fmt: skip


def _audit_entry(row: Row, envelope: _Envelope) -> AuditEntry:
    read: _Audit = _decoded(_AUDIT, envelope)
    return AuditEntry(
        actor=read.actor, via=read.via, action=read.action, object=read.object, profile=row.profile,
        outcome=read.outcome, reason=read.reason, req=read.req, detail=read.detail,
    )  # fmt: skip


def _key_entry(row: Row, envelope: _Envelope) -> KeyEntry:
    read: _Key = _decoded(_KEY, envelope)
    return KeyEntry(
        principal=read.principal, profile=row.profile, key=read.key, body_hash=read.body_hash, intent_id=_owner(row)
    )


def _note_entry(row: Row, envelope: _Envelope) -> NoteEntry:
    read: _Note = _decoded(_NOTE, envelope)
    return NoteEntry(profile=row.profile, topic=read.topic, data=read.data)


_ENTRIES = {"audit": _audit_entry, "key": _key_entry, "note": _note_entry}


def _owner(row: Row) -> IntentId:
    if row.intent_id is None:
        raise JournalFault(f"a {row.kind} entry without its intent in the journal")
    return row.intent_id


def _entry(kind: str, members: msgspec.Struct) -> bytes:
    return _body(ENTRY_SCHEMA, kind, members)


def _body(version: int, kind: str, members: object) -> bytes:
    try:
        encoded = _ENCODER.encode(members)
    except (msgspec.MsgspecError, UnicodeEncodeError, OverflowError, TypeError) as error:
        raise JournalFault(f"a {kind!r} entry cannot be written down: {error}") from error
    return b'{"v":%d,"k":"%s","d":%s}' % (version, kind.encode("ascii"), encoded)


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def _opened(body: bytes) -> _Envelope:
    try:
        return _ENVELOPE.decode(body)
    except _UNREADABLE as error:
        raise JournalFault(f"a body in the journal does not parse: {error}") from error


def _decoded(decoder: msgspec.json.Decoder[Any], envelope: _Envelope) -> Any:
    try:
        return decoder.decode(envelope.d)
    except _UNREADABLE as error:
        raise JournalFault(f"a {envelope.k!r} body in the journal does not parse: {error}") from error
