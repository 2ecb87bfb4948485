"""The opened vault: records by profile, broker and environment, and the one key that everything in it hangs on.

Every change makes a new file of the next generation and puts it in the place of the old one.  The key lives in this object alone,
in a buffer that `lock()` writes zeros over; values come out as `Secret`, one read at a time.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import msgspec

from floorbroker.domain.errors import (
    Conflict,
    JournalFault,
    NotFound,
    VaultLocked,
    VaultRefused,
    VaultRolledBack,
    WrongPassphrase,
)
from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.vault.files import SYSTEM, Files, exclusively, load, loose_ends
from floorbroker.vault.files import replace as replace_file
from floorbroker.vault.format import (
    MAX_FILE,
    Entry,
    Header,
    Kdf,
    Kek,
    Malformed,
    Parsed,
    check_names,
    check_records,
    parse,
)
from floorbroker.vault.kdf import (
    BLOCK_SIZE,
    DEFAULT_LOG2N,
    DEFAULT_PARALLEL,
    SALT_SIZE,
    SCRYPT,
    KeyDerivation,
    check_cost,
    check_new_passphrase,
    passphrase_bytes,
)
from floorbroker.vault.keys import MAX_WRAPS, SealBroken, wipe
from floorbroker.vault.known import Known, RecordInfo, Seen, info_of, stale
from floorbroker.vault.sealing import framed, is_proven, message_of, rewrapped, sealed_record, unsealed_record

Place = tuple[str, str, Environment]

_AGAIN = "put back the newest copy you have of it, or move it away and make a new one: floorbroker vault init"
_ID_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a vault is handed; the defaults are the real world."""

    derive: KeyDerivation = SCRYPT
    files: Files = SYSTEM
    random: Callable[[int], bytes] = os.urandom
    steps: Steps = NO_STEPS

    def new_id(self) -> str:
        return self.random(_ID_SIZE).hex()


@dataclass(slots=True, eq=False)
class Vault:
    """See the module.  `open`, `create` and `rotate_passphrase` derive a key and take a second.

    One thread may write while another reads, or locks it: a change under way then ends under the key it began with, and the
    key is wiped behind it.  Two changes at a time are not for this object.
    """

    path: Path
    warnings: tuple[str, ...]
    _around: Around = field(repr=False)
    _raw: bytes = field(repr=False)
    _parsed: Parsed = field(repr=False)
    _master: bytearray = field(repr=False)
    _locked: bool = field(default=False, repr=False)
    _changing: bool = field(default=False, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    # -- making and opening -----------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: Path,
        passphrase: Secret,
        *,
        derive: KeyDerivation = SCRYPT,
        log2n: int = DEFAULT_LOG2N,
        around: Around | None = None,
    ) -> Vault:
        """An empty vault.  Raises `Conflict` where there is a file, `InvalidRequest` for a weak passphrase or a wrong cost."""
        world = around or Around(derive=derive)
        check_new_passphrase(passphrase)
        kdf = _kdf(world, log2n)
        master = _derive(world, passphrase, kdf)
        header = Header(vault=world.new_id(), generation=1, kdf=kdf, kek=Kek(id=world.new_id(), wraps=0))
        raw = framed(header, (), master)
        path = path.resolve()
        try:
            _put_first(world, path, raw)
        except BaseException:
            wipe(master)
            raise
        return cls(path, loose_ends(world.files, path), world, raw, parse(raw), master)

    @classmethod
    def open(
        cls,
        path: Path,
        passphrase: Secret,
        *,
        derive: KeyDerivation = SCRYPT,
        known_generation: int | None = None,
        known: Known | None = None,
        accept_older: bool = False,
        upgrade: bool = True,
        around: Around | None = None,
    ) -> Vault:
        """The vault of a file, proven whole and, as far as `known` tells, the newest.

        A file whose derivation is cheaper than today's default is derived anew and written, unless `upgrade` says no.
        Raises `WrongPassphrase`, `VaultRolledBack` (which `accept_older` overrules, on a person's word), and `VaultRefused` for
        anything else wrong.
        """
        world = around or Around(derive=derive)
        path = path.resolve()
        raw = load(world.files, path, limit=MAX_FILE)
        parsed = _parsed(path, raw)
        master = _derive(world, passphrase, parsed.header.kdf)
        _prove(path, parsed, master)
        vault = cls(path, loose_ends(world.files, path), world, raw, parsed, master)
        if known is None and known_generation is not None:
            known = Known(vault_id=vault.vault_id, generation=known_generation)
        try:
            vault._judge(known, accept_older=accept_older)
            if upgrade:
                vault._upgrade(passphrase)
        except BaseException:
            vault.lock()
            raise
        return vault

    @staticmethod
    def look(path: Path, *, files: Files = SYSTEM) -> Seen:
        """What the file says of itself, without a passphrase and so without proof.  Raises `NotFound` and `VaultRefused`."""
        header = _parsed(path, load(files, path, limit=MAX_FILE)).header
        return Seen(
            vault_id=header.vault,
            generation=header.generation,
            log2n=header.kdf.log2n,
            records=tuple(map(info_of, header.records)),
        )

    def _judge(self, known: Known | None, *, accept_older: bool) -> None:
        """Refuse what is not the newest; accepted, it becomes the newest, so that the next look finds nothing wrong."""
        if known is None or (reason := stale(known, self.known)) == "":
            return
        if not accept_older:
            raise VaultRolledBack(f"{self.path}: {reason}", generation=self.generation, known=known.generation)
        ahead = max(known.generation, self.generation)
        self._store(msgspec.structs.replace(self._header, generation=ahead), self._parsed.sealed)

    def _upgrade(self, passphrase: Secret) -> None:
        if self._header.kdf.log2n >= DEFAULT_LOG2N:
            return
        try:
            self._rekey(passphrase, log2n=DEFAULT_LOG2N)
        except (JournalFault, Conflict) as error:
            self.warnings = (*self.warnings, f"its key derivation is cheaper than today's and stays so: {error.detail}")

    # -- what it is -------------------------------------------------------------------------------------------------------

    @property
    def _header(self) -> Header:
        return self._parsed.header

    @property
    def vault_id(self) -> str:
        return self._header.vault

    @property
    def generation(self) -> int:
        """Grows by one with each write."""
        return self._header.generation

    @property
    def log2n(self) -> int:
        """The cost of its key derivation: scrypt's N is 2 to this power."""
        return self._header.kdf.log2n

    @property
    def known(self) -> Known:
        """What to remember of it, for `open` to compare with."""
        return Known(vault_id=self.vault_id, generation=self.generation, digest=hashlib.sha256(self._raw).hexdigest())

    @property
    def is_locked(self) -> bool:
        return self._locked

    def records(self) -> tuple[RecordInfo, ...]:
        """Every record, by environment and profile."""
        self._check_open()
        found = (info_of(entry) for entry in self._header.records)
        return tuple(sorted(found, key=lambda info: (info.environment.value, info.profile, info.broker)))

    # -- records ----------------------------------------------------------------------------------------------------------

    def read(self, profile: str, *, broker: str, environment: Environment) -> Mapping[str, Secret]:
        """The fields of one record.  Raises `NotFound`, naming what there is of this profile."""
        self._check_open()
        parsed = self._parsed  # what is read is of one generation, whatever is written meanwhile
        number = _number_of(parsed.header, (profile, broker, environment))
        if number is None:
            raise NotFound(self._absent(profile, broker, environment))
        return self._unsealed(parsed.header, parsed.header.records[number], parsed.sealed[number])

    def write(self, profile: str, *, broker: str, environment: Environment, fields: Mapping[str, Secret]) -> None:
        """Put a record in the place of this profile's, under a new data key.  Raises `InvalidRequest` naming a wrong field."""
        check_names(profile, broker, fields)
        with self._change():
            self._write((profile, broker, environment), fields)

    def _write(self, whose: Place, fields: Mapping[str, Secret]) -> None:
        profile, broker, environment = whose
        message = message_of(fields)
        number = _number_of(self._header, whose)
        old = None if number is None else self._header.records[number]
        place = Entry(
            id=self._around.new_id() if old is None else old.id,
            version=1 if old is None else old.version + 1,
            profile=profile,
            broker=broker,
            environment=environment.value,
            fields=tuple(sorted(fields)),
            dek=self._around.new_id(),
            wrapped=b"",
            size=0,
            sha256=b"",
        )
        header = self._roomy(self._header)
        entry, sealed = sealed_record(self._master, header, place, message, self._around.random)
        entries, parts = list(header.records), list(self._parsed.sealed)
        if number is None:
            number = len(entries)
        entries[number : number + 1], parts[number : number + 1] = [entry], [sealed]
        kek = Kek(id=header.kek.id, wraps=header.kek.wraps + 1)
        self._store(msgspec.structs.replace(header, kek=kek, records=tuple(entries)), tuple(parts))

    def remove(self, profile: str, *, broker: str, environment: Environment) -> None:
        """Take a record out.  Raises `NotFound`."""
        with self._change():
            number = _number_of(self._header, (profile, broker, environment))
            if number is None:
                raise NotFound(self._absent(profile, broker, environment))
            entries, parts = list(self._header.records), list(self._parsed.sealed)
            del entries[number], parts[number]
            self._store(msgspec.structs.replace(self._header, records=tuple(entries)), tuple(parts))

    def verify(self) -> int:
        """Unseal everything once, and compare the file on disk with what was opened; the number of records.

        Raises `VaultRefused`.
        """
        self._check_open()
        for entry, sealed in zip(self._header.records, self._parsed.sealed, strict=True):
            self._unsealed(self._header, entry, sealed)
        if not hmac.compare_digest(load(self._around.files, self.path, limit=MAX_FILE), self._raw):
            raise VaultRefused(
                f"{self.path} was changed since it was opened; lock and unlock it: floorbroker vault lock"
            )
        return len(self._header.records)

    # -- the passphrase ---------------------------------------------------------------------------------------------------

    def rotate_passphrase(self, new: Secret) -> None:
        """New salt, new keys, every data key wrapped anew; the old passphrase opens older copies of the file, not this one."""
        check_new_passphrase(new)
        self._rekey(new, log2n=max(self.log2n, DEFAULT_LOG2N))

    def is_passphrase(self, passphrase: Secret) -> bool:
        """Whether this passphrase opens it: asked again before a dangerous act.  As slow as opening."""
        self._check_open()
        master = _derive(self._around, passphrase, self._header.kdf)
        try:
            return hmac.compare_digest(master, self._master)
        finally:
            wipe(master)

    def lock(self) -> None:
        """Forget the key; only opening again helps.  Twice is harmless."""
        with self._guard:
            self._locked = True
            if not self._changing:
                wipe(self._master)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Vault cannot be pickled or copied")

    # -- within -----------------------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._locked:
            raise VaultLocked("the vault is locked: floorbroker vault unlock")

    @contextmanager
    def _change(self) -> Generator[None]:
        """Around a change: the key stays until its end, so that no file is ever sealed under a wiped one."""
        with self._guard:
            self._check_open()
            self._changing = True
        try:
            yield
        finally:
            with self._guard:
                self._changing = False
                if self._locked:
                    wipe(self._master)

    def _absent(self, profile: str, broker: str, environment: Environment) -> str:
        others = [f"{e.broker} {e.environment}" for e in self._header.records if e.profile == profile]
        there = f"; it has one for {', '.join(others)}" if others else ""
        return f"the vault has no record of profile {profile} for {broker} {environment.value}{there}"

    def _unsealed(self, header: Header, entry: Entry, sealed: bytes) -> Mapping[str, Secret]:
        try:
            return unsealed_record(self._master, header, entry, sealed)
        except SealBroken:
            raise VaultRefused(
                f"the record of profile {entry.profile} in {self.path} was not sealed for it: {_AGAIN}"
            ) from None

    def _roomy(self, header: Header) -> Header:
        """The header under a KEK that may wrap once more; a spent one is replaced, and everything wrapped anew."""
        if header.kek.wraps + 1 < MAX_WRAPS:
            return header
        return self._rewrapped(header, master=self._master, kdf=header.kdf)

    def _rewrapped(self, header: Header, *, master: bytearray, kdf: Kdf) -> Header:
        kek_id, random = self._around.new_id(), self._around.random
        try:
            return rewrapped(header, old=self._master, new=master, kdf=kdf, kek_id=kek_id, random=random)
        except SealBroken:
            raise VaultRefused(f"a data key in {self.path} does not unwrap: {_AGAIN}") from None

    def _rekey(self, passphrase: Secret, *, log2n: int) -> None:
        with self._change():
            kdf = _kdf(self._around, log2n)
            master = _derive(self._around, passphrase, kdf)
            self._store(self._rewrapped(self._header, master=master, kdf=kdf), self._parsed.sealed, master=master)

    def _store(self, header: Header, sealed: tuple[bytes, ...], *, master: bytearray | None = None) -> None:
        """Write the next generation, and become it.  A failed write leaves this object and the file as they were."""
        key = self._master if master is None else master
        after = msgspec.structs.replace(header, generation=header.generation + 1)
        raw = framed(after, sealed, key)
        with exclusively(self.path):
            if not hmac.compare_digest(load(self._around.files, self.path, limit=MAX_FILE), self._raw):
                raise Conflict(f"{self.path} was changed by another process: lock and unlock it, then try again")
            try:
                _put(self._around, self.path, raw)
            except BaseException:
                if not self._is_on_disk(raw):
                    if key is not self._master:
                        wipe(key)
                    raise
                self._become(raw, key)
                raise
            self._become(raw, key)

    def _is_on_disk(self, raw: bytes) -> bool:
        """Whether a write that failed had put the new file in its place before it did."""
        try:
            return hmac.compare_digest(load(self._around.files, self.path, limit=MAX_FILE), raw)
        except (VaultRefused, NotFound):
            return False

    def _become(self, raw: bytes, key: bytearray) -> None:
        if key is not self._master:
            wipe(self._master)
        self._raw, self._parsed, self._master = raw, parse(raw), key


# -- plain functions --------------------------------------------------------------------------------------------------------


def _number_of(header: Header, place: Place) -> int | None:
    profile, broker, environment = place
    wanted = (profile, broker, environment.value)
    return next((n for n, entry in enumerate(header.records) if entry.place == wanted), None)


def _parsed(path: Path, raw: bytes) -> Parsed:
    try:
        return parse(raw)
    except Malformed as error:
        raise VaultRefused(f"{path} was not opened: {error}; {_AGAIN}") from None


def _kdf(world: Around, log2n: int) -> Kdf:
    check_cost(log2n=log2n, r=BLOCK_SIZE, p=DEFAULT_PARALLEL)
    return Kdf(log2n=log2n, r=BLOCK_SIZE, p=DEFAULT_PARALLEL, salt=world.random(SALT_SIZE))


def _derive(world: Around, passphrase: Secret, kdf: Kdf) -> bytearray:
    words = passphrase_bytes(passphrase)
    return bytearray(world.derive.derive(words, salt=kdf.salt, log2n=kdf.log2n, r=kdf.r, p=kdf.p))


def _prove(path: Path, parsed: Parsed, master: bytearray) -> None:
    """Compare the MAC before anything is unsealed.  A wrong key and a changed file look alike, and are told alike."""
    if not is_proven(parsed, master):
        wipe(master)
        raise WrongPassphrase(
            f"{path} was not opened: wrong passphrase, or the file was changed.  Try again; if it stays so, put back the newest "
            "copy you have of the file"
        )
    try:
        check_records(parsed)
    except Malformed as error:
        wipe(master)
        raise VaultRefused(f"{path} was not opened: {error}; {_AGAIN}") from None


def _put_first(world: Around, path: Path, raw: bytes) -> None:
    with exclusively(path):
        if path.exists():
            raise Conflict(f"there is a vault at {path}: move it away first; nothing was written")
        _put(world, path, raw)


def _put(world: Around, path: Path, raw: bytes) -> None:
    try:
        replace_file(world.files, path, raw, mark=world.random(8).hex(), steps=world.steps)
    except OSError as error:
        raise JournalFault(
            f"{path} could not be written ({error.strerror}): the old file or the new one is there, whole; "
            "make room or repair the disk, then: floorbroker vault verify"
        ) from error
