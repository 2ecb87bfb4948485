"""What may be known of a vault: its records without their values, its file before it is opened, and the newest one seen."""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.domain.values import Environment
from floorbroker.vault.format import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordInfo:
    """What may be said of a record: whose it is, how often it was replaced, and which fields it has; never a value."""

    profile: str
    broker: str
    environment: Environment
    version: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a vault file says of itself before anybody opened it: nothing of this is proven."""

    vault_id: str
    generation: int
    log2n: int
    records: tuple[RecordInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The newest state of the vault that somebody remembers: its id, generation, and the digest of the whole file."""

    vault_id: str
    generation: int
    digest: str = ""


def stale(known: Known, found: Known) -> str:
    """Why this is not the newest vault that is known; empty when it is, or is newer."""
    accept = "if that is what you mean: floorbroker vault unlock --accept-older"
    if found.vault_id != known.vault_id:
        return f"this is another vault than the one this desk used last; {accept}"
    if found.generation < known.generation:
        return (
            f"this is an older copy: it is of generation {found.generation}, and generation {known.generation} was seen here; "
            f"what changed since then is not in it.  Put back the newest; {accept}"
        )
    if found.generation == known.generation and known.digest and found.digest != known.digest:
        return (
            f"this is not the file of generation {known.generation} that was seen here: two copies went apart; {accept}"
        )
    return ""


def info_of(entry: Entry) -> RecordInfo:
    return RecordInfo(
        profile=entry.profile,
        broker=entry.broker,
        environment=Environment(entry.environment),
        version=entry.version,
        fields=entry.fields,
    )
