"""A journal as canonical text, and its fingerprint: two runs that did the same have the same digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import rfc8785

from floorbroker.domain.values import time_text
from floorbroker.store.audit.rows import audit_lines
from floorbroker.store.reader import Columns, JournalReader, moment_of

DIGEST_NODE = "-"  # a digest compares what was done, wherever it was done


def journal_lines(reader: JournalReader, *, after: int = 0) -> Iterator[bytes]:
    """One RFC 8785 object per record; numbers are text, and the body is the stored text itself."""
    for columns in reader.rows(after):
        yield line_of(columns)


def digest(reader: JournalReader) -> str:
    """SHA-256 (hex) over every journal line and then every audit line, each ended by a line feed."""
    running = hashlib.sha256()
    for line in journal_lines(reader):
        running.update(line + b"\n")
    for line in audit_lines(reader, node=DIGEST_NODE):
        running.update(line + b"\n")
    return running.hexdigest()


def line_of(columns: Columns) -> bytes:
    """One stored row as canonical text."""
    seq, epoch, at, kind, profile, intent_id, body = columns
    row = {
        "seq": str(seq),
        "epoch": str(epoch),
        "at": time_text(moment_of(at)),
        "kind": kind,
        "profile": profile,
        "intent_id": intent_id,
        "body": body.decode("utf-8"),
    }
    return rfc8785.dumps(row)
