"""What a verification is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from floorbroker.domain.secret import Secret
from floorbroker.store.audit.places import Places
from floorbroker.store.reader import JournalReader

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Whatever is at hand; the more, the more is proven.

    `public` is the key that the checkpoints must be signed with, and `public_from` where it was had from; `first` is the
    chain's first key, likewise.  `journal` is the one the rows left, `copy` the folder off the host.  `is_archived` says
    that older segments were moved away on purpose.
    """

    places: Places
    public: Ed25519PublicKey
    public_from: str
    first: Secret | None = None
    first_from: str = ""
    journal: JournalReader | None = None
    copy: Path | None = None
    is_archived: bool = False
    breathe: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The first thing that is wrong.  `seq` is the first record that is not proven any more, `where` the file and line.

    `kind` is one of `changed gap malformed truncated checkpoint segment journal copy missing key`.
    """

    kind: str
    seq: int
    where: str
    detail: str


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came of it.  `records` were looked at, from `first` to `last`; `waiting` rows of the journal are not exported yet."""

    environment: str
    log: str
    used: tuple[str, ...] = ()
    records: int = 0
    first: int = 1
    last: int = 0
    checkpoints: int = 0
    segments: int = 0
    waiting: int = 0
    remarks: list[str] = field(default_factory=list[str])
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.finding is None


class Found(Exception):
    """Ends a walk."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding
