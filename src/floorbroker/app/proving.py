"""What a verification of the audit is given: whatever this home, or a folder from somebody else, holds of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from floorbroker.app.auditing import Auditing, breathe
from floorbroker.app.escrow import FROM_VAULT, beside, first_key
from floorbroker.app.home import Home
from floorbroker.app.unlocking import Unlocking
from floorbroker.domain.errors import ConfigInvalid, Conflict, NotFound
from floorbroker.domain.ports import AuditEntry, NoteEntry
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.store.audit.chain import set_aside
from floorbroker.store.audit.checkpoint import log_of, read_public
from floorbroker.store.audit.evidence import Evidence, Verdict
from floorbroker.store.audit.notes import BEGUN, EVERYWHERE
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.verify import verify
from floorbroker.store.reader import JournalReader
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.vault import Standing

BESIDE = "that lies beside the records, which proves less: who could write the one could read the other"
FROM_FD = "that was handed over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a person says about a verification; the rest is looked for.

    `folder` is that of somebody else's export: then journal and copy of this home have nothing to do with it.
    """

    folder: Path | None = None
    public_key: Path | None = None
    first: Secret | None = None
    first_from: str = FROM_FD
    copy: Path | None = None
    is_archived: bool = False
    is_paced: bool = False  # leave time for a desk in the same process


def places_of(home: Home, environment: Environment, given: Given) -> Places:
    """The files that are meant."""
    return Places(given.folder or home.audit, environment)


def exported(home: Home, given: Given) -> list[Environment]:
    """The environments of which there is anything."""
    return [e for e in Environment if places_of(home, e, given).all()]


@contextmanager
def evidence(home: Home, environment: Environment, given: Given) -> Generator[Evidence]:
    """Everything at hand.  Raises `NotFound` where there is no audit, `ConfigInvalid` for a key that is none."""
    places = places_of(home, environment, given)
    if not places.all():
        raise NotFound(f"no audit of {environment.value} in {places.folder}")
    first, first_from = _first(places, given)
    path = home.journal(environment)
    journal = JournalReader(path) if given.folder is None and path.exists() else None
    key = given.public_key or places.public
    try:
        yield Evidence(
            places=places,
            public=read_public(_read(key), where=str(key)),
            public_from=f"of {key}" if given.public_key else "that lies beside the records",
            first=first,
            first_from=first_from,
            journal=journal,
            copy=given.copy if given.folder is None and given.copy is not None and given.copy.is_dir() else None,
            is_archived=given.is_archived,
            breathe=breathe if given.is_paced else _go_on,
        )
    finally:
        if journal is not None:
            journal.close()


def proven(home: Home, environment: Environment, given: Given) -> Verdict:
    """The verdict over one environment."""
    with evidence(home, environment, given) as held:
        return verify(held)


def log_at(places: Places, given: Given) -> str:
    """The name of the chain that these files are said to be of.  Raises `ConfigInvalid` for a key that is none."""
    key = given.public_key or places.public
    return log_of(read_public(_read(key), where=str(key)))


def _first(places: Places, given: Given) -> tuple[Secret | None, str]:
    if given.first is not None:
        return given.first, given.first_from
    first = beside(places)
    return first, "" if first is None else BESIDE


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigInvalid(f"{path}: it cannot be read ({error.strerror or type(error).__name__})") from None


def _go_on() -> None:
    """Nobody else needs the interpreter."""


# -- beside a running desk ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Prover:
    """Verifies beside the desks of this process: one verification at a time, in a thread that leaves them the interpreter.

    While the vault is unlocked the first key is read from it.
    """

    home: Home
    desks: dict[Environment, Auditing]
    vault: Unlocking | None = None
    copy: Path | None = None
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def attend(self, environment: Environment, desk: Gateway) -> None:
        """A desk exports its audit from now on."""
        for attendant in desk.attendants:
            if isinstance(attendant, Auditing):
                self.desks[environment] = attendant

    async def __call__(self, environment: Environment) -> Verdict:
        """Raises `Conflict` while another one runs, `NotFound` where there is nothing."""
        if self._busy.locked():
            raise Conflict("the audit is being verified already; wait for that to end")
        async with self._busy:
            if (auditing := self.desks.get(environment)) is not None:
                await auditing.catch_up()
            first = self._kept(environment)
            given = Given(copy=self.copy, is_paced=True, is_archived=True, first=first, first_from=FROM_VAULT)
            return await asyncio.to_thread(proven, self.home, environment, given)

    def _kept(self, environment: Environment) -> Secret | None:
        """The first key, where the vault is open and has it."""
        auditing = self.desks.get(environment)
        if self.vault is None or self.vault.session.standing is not Standing.UNLOCKED:
            return None
        if auditing is None or auditing.chain is None:
            return None
        return first_key(self.vault.session.vault(), environment, auditing.chain.log)


def prover_of(home: Home, copy_to: str, desks: Mapping[Environment, Gateway], vault: Unlocking | None = None) -> Prover:
    """The prover of a floor."""
    prover = Prover(home=home, desks={}, vault=vault, copy=Path(copy_to).expanduser() if copy_to else None)
    for environment, desk in desks.items():
        prover.attend(environment, desk)
    return prover


# -- beginning anew -----------------------------------------------------------------------------------------------------


async def restart(
    home: Home,
    environment: Environment,
    *,
    caller: Caller,
    reason: str,
    opened: Callable[[Path], SqliteJournal],
) -> str:
    """Put a chain that cannot go on aside, and say so in the journal; the next start begins another.  The folder's name.

    Raises `Conflict` while a desk has the journal, `NotFound` where there is none.
    """
    path = home.journal(environment)
    if not path.exists():
        raise NotFound(f"no journal of {environment.value} in {home.root}")
    journal = opened(path)
    try:
        places = Places(home.audit, environment)
        places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = set_aside(places)
        row = AuditEntry(
            actor=caller.principal,
            via=caller.via,
            action="audit.restart",
            object=name,
            profile=EVERYWHERE,
            outcome="done",
            reason=reason,
        )
        await journal.commit([row, NoteEntry(profile=EVERYWHERE, topic=BEGUN, data={"log": "", "aside": name})])
    finally:
        await journal.close()
    return name
