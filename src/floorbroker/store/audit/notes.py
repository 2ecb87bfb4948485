"""What the journal remembers of the chain: that it began, and each of its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from floorbroker.domain.ports import NoteEntry
from floorbroker.domain.values import ProfileName
from floorbroker.store.audit.checkpoint import Checkpoint, log_of
from floorbroker.store.reader import JournalReader

BEGUN, CHECKPOINT = "audit.begun", "audit.checkpoint"
EVERYWHERE = ProfileName("*")


@dataclass(frozen=True, slots=True)
class Noted:
    """A checkpoint as the journal remembers it."""

    number: int
    size: int
    root: str
    head: str


def node_of(reader: JournalReader) -> str:
    """How the rows name the desk: by the 12 bits that mark its order ids."""
    return f"desk-{int(reader.meta('instance_tag') or 0):03x}"


def begun_note(public: Ed25519PublicKey, first_size: int) -> NoteEntry:
    """That a chain began, and whose."""
    data = {"log": log_of(public), "public_key": public.public_bytes_raw().hex(), "size": str(first_size)}
    return NoteEntry(profile=EVERYWHERE, topic=BEGUN, data=data)


def checkpoint_note(point: Checkpoint) -> NoteEntry:
    """A checkpoint, whole: with its signature anybody can check it."""
    data = {
        "log": point.log, "number": point.number, "size": point.size, "root": point.root, "head": point.head,
        "ts": point.ts, "sig": point.sig,
    }  # fmt: skip
    return NoteEntry(profile=EVERYWHERE, topic=CHECKPOINT, data=data)


def checkpoint_notes(reader: JournalReader, *, log: str, upto: int) -> Iterator[Noted]:
    """The notes of one chain up to a record of the journal, oldest first."""
    after = 0
    while page := reader.notes_after(CHECKPOINT, after=after, upto=upto):
        for record in page:
            entry, after = record.entry, record.seq
            if isinstance(entry, NoteEntry) and entry.data.get("log") == log:
                data = entry.data
                yield Noted(int(data["number"]), int(data["size"]), data["root"], data["head"])


def last_begun(reader: JournalReader) -> str | None:
    """The name of the chain that this journal's rows leave in; None before the first, and after one was put aside."""
    told = reader.notes(BEGUN, newest=True)
    entry = told[-1].entry if told else None
    return (entry.data["log"] or None) if isinstance(entry, NoteEntry) else None
