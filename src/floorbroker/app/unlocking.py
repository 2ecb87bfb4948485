"""The vault of one process: unlocked by a passphrase, lent to profiles, locked by time or by hand, and every act recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from floorbroker.app.acts import Acts, note_of, row_of
from floorbroker.app.home import Home
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    FloorbrokerError,
    Hint,
    NotFound,
    RateLimitExceeded,
    WrongPassphrase,
)
from floorbroker.domain.ports import NO_STEPS, AuditEntry, Log, NoLog, Profile, Redactor, Steps
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.vault import (
    DEFAULT_LOG2N,
    Around,
    KeyDerivation,
    RecordInfo,
    Scrypt,
    Seen,
    SessionLimits,
    Standing,
    Tenant,
    UnlockSession,
    Vault,
)

T = TypeVar("T")
STARTING = Caller(principal="operator", via="start")
NO_VAULT = "there is none yet: floorbroker vault init"
ITSELF = Caller(principal="gateway", via="gateway")
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultStatus:
    """Where the vault stands, for people.  `seen` is what the file says of itself; None where there is no file."""

    standing: Standing
    reason: str
    changes_in_s: float | None
    seen: Seen | None
    trouble: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Unlocking:
    """Everything a door may ask of the vault.  Only `unlock`, `init` and `rotate` derive a key, off the loop, one at a time."""

    home: Home
    session: UnlockSession
    acts: Acts
    clock: Clock
    redactor: Redactor
    log: Log = field(default_factory=NoLog)
    derive: KeyDerivation = field(default_factory=Scrypt)
    steps: Steps = NO_STEPS
    listeners: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    _failed: int = 0
    _free_at_s: float = 0.0
    _deriving: bool = False
    _told: Standing = Standing.LOCKED
    _looked: Seen | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _one_change: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(
        cls,
        home: Home,
        *,
        limits: SessionLimits,
        clock: Clock,
        redactor: Redactor,
        derive: KeyDerivation,
        log: Log,
        steps: Steps,
    ) -> Unlocking:
        return cls(
            home=home,
            session=UnlockSession(clock, limits),
            acts=Acts(home, clock),
            clock=clock,
            redactor=redactor,
            log=log,
            derive=derive,
            steps=steps,
        )

    # -- what it is -------------------------------------------------------------------------------------------------------

    def seen(self) -> Seen | None:
        """What the file says of itself, unproven; None where there is none.  Raises `VaultRefused` for no vault of ours."""
        try:
            return Vault.look(self.home.vault)
        except NotFound:
            return None

    def status(self) -> VaultStatus:
        """For people; a file that cannot be read is told, not raised."""
        seen, trouble = None, ""
        try:
            seen = self.seen()
        except FloorbrokerError as error:
            trouble = error.detail
        standing = self.session.standing
        return VaultStatus(
            standing=standing,
            reason=NO_VAULT if seen is None and not trouble else self.session.reason,
            changes_in_s=self.session.changes_in_s,
            seen=seen,
            trouble=trouble,
            warnings=self.session.vault().warnings if standing is Standing.UNLOCKED else (),
        )

    def lend(self) -> None:
        """Lend to profiles that came since the vault was opened, too; while it is locked there is nothing to lend."""
        if self.session.standing is Standing.UNLOCKED:
            self.session.renew()
            self._learn()

    def sealed(self, profile: Profile) -> Mapping[str, Secret]:
        """Leases on the fields that the file has for this profile; who uses them profits by unlocking.

        Which fields there are is read from the file's head without proof: one that lies does not open.
        """
        tenant = Tenant(profile.name, profile.broker, profile.environment)
        if self._looked is None:
            self._looked = self.seen()
        found = next((info for info in (self._looked.records if self._looked else ()) if _is_of(info, tenant)), None)
        if found is None:
            return {}
        if tenant not in self.session.tenants:
            self.session.tenants = (*self.session.tenants, tenant)
        return {name: self.session.leased(tenant, name) for name in found.fields}

    # -- acts -------------------------------------------------------------------------------------------------------------

    async def init(self, passphrase: Secret, *, caller: Caller, log2n: int = DEFAULT_LOG2N) -> VaultStatus:
        """Make the vault and unlock it.  Raises `Conflict` where there is one, `InvalidRequest` for a weak passphrase."""
        self.redactor.learn(passphrase.reveal())
        create = partial(Vault.create, self.home.vault, passphrase, log2n=log2n, around=self._around())
        async with self._begun(partial(row_of, caller, "vault.init", "")):
            vault = await self._off_loop(create)
        await self._take(vault, caller, "vault.init")
        return self.status()

    async def unlock(self, passphrase: Secret, *, caller: Caller, accept_older: bool = False) -> VaultStatus:
        """Open the vault and lend from it.

        Raises `WrongPassphrase`, `VaultRolledBack`, other `VaultRefused`s, and `RateLimitExceeded` while another passphrase is
        tried or shortly after a wrong one.
        """
        async with self._trying():
            if not accept_older:
                await self._take(await self._opened(passphrase, caller), caller, "vault.unlock")
                return self.status()
            async with self._begun(partial(row_of, caller, "vault.accept_older", self._vault_id())):
                vault = await self._opened(passphrase, caller, accept_older=True)
            await self._take(vault, caller, "vault.accept_older")
            return self.status()

    async def lock(self, *, caller: Caller, at_once: bool = False) -> VaultStatus:
        """End the session.  `at_once` leaves no grace in which cancels pass."""
        was = self.session.standing
        self.session.end("by hand", at_once=at_once)  # first: a lock must not wait for a disk
        self._tell()
        if was is not Standing.LOCKED:
            detail = {"at_once": "yes" if at_once else "no"}
            await self.acts.record([row_of(caller, "vault.lock", self._vault_id(), "done", detail=detail)])
        return self.status()

    async def rotate(self, passphrase: Secret, new: Secret, *, caller: Caller) -> VaultStatus:
        """Give the vault another passphrase.  The present one is asked for again, even while it is unlocked."""
        async with self._trying():
            vault = await self._opened(passphrase, caller)
            try:
                self.redactor.learn(new.reveal())
                async with self._begun(partial(row_of, caller, "vault.rotate", vault.vault_id)):
                    await self._off_loop(partial(vault.rotate_passphrase, new))
            except BaseException:
                vault.lock()
                raise
            await self._take(vault, caller, "vault.rotate")
            return self.status()

    async def change(self, act: Callable[[Vault], object], *, caller: Caller, action: str, profile: Profile) -> None:
        """A change of one profile's record in the opened vault: recorded in its environment before and after, then lent.

        The act runs in a thread, for a disk must not hold up a desk, and one at a time.  A write that was begun when the vault
        is locked is ended.  Raises `VaultLocked`, and what `act` raises.
        """
        async with self._one_change:
            vault, only = self.session.vault(), profile.environment
            self.session.use()
            row = partial(row_of, caller, action, profile.broker, profile=profile.name)
            async with self._begun(row, only=only):
                await _to_its_end(lambda: act(vault))
            self._looked = None
            if not vault.is_locked:
                self.session.renew()
                self._learn()
            await self.acts.record([note_of(vault.known)])
            await self.acts.record([row("done", detail={"generation": str(vault.generation)})], only=only)

    def use(self) -> None:
        """A person acted at a door."""
        if self.session.standing is Standing.UNLOCKED:
            self.session.use()

    # -- time -------------------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """End what is over when it is, and tell whoever was lent to.  Runs until cancelled."""
        while True:
            self._changed.clear()
            await self._pause(self.session.changes_in_s)
            if self._tell():
                self.log.warning("vault.locked", reason=self.session.reason)
                await self._record_end()

    async def _pause(self, longest_s: float | None) -> None:
        """Until the time has come, or somebody changed it."""
        changed = asyncio.ensure_future(self._changed.wait())
        timer = asyncio.ensure_future(self.clock.sleep(longest_s)) if longest_s is not None else changed
        try:
            await asyncio.wait({changed, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            timer.cancel()

    async def _record_end(self) -> None:
        try:
            row = row_of(ITSELF, "vault.lock", self._vault_id(), "done", reason=self.session.reason)
            await self.acts.record([row])
        except FloorbrokerError as error:  # it is locked all the same
            self.log.error("vault.lock_not_recorded", detail=error.detail)

    def _tell(self) -> bool:
        """Whether it stands elsewhere than when this was asked last; then everybody hears of it."""
        standing = self.session.standing
        if standing is self._told:
            return False
        self._told = standing
        for listener in self.listeners:
            listener()
        return True

    # -- within -----------------------------------------------------------------------------------------------------------

    def _around(self) -> Around:
        return Around(derive=self.derive, steps=self.steps)

    def _vault_id(self) -> str:
        try:
            seen = self.seen()
        except FloorbrokerError:
            seen = None
        return "" if seen is None else seen.vault_id

    @asynccontextmanager
    async def _begun(self, row: Callable[..., AuditEntry], *, only: Environment | None = None) -> AsyncGenerator[None]:
        """Around an act that writes the file: one that cannot be recorded does not happen, and one that failed is told so."""
        await self.acts.record([row("begun")], only=only)
        try:
            yield
        except FloorbrokerError as error:
            await self.acts.record([row("failed", reason=type(error).__name__)], only=only)
            raise

    async def _take(self, vault: Vault, caller: Caller, action: str) -> None:
        """What an opened vault is before it is lent: remembered, and the act recorded."""
        try:
            row = row_of(caller, action, vault.vault_id, "done", detail={"generation": str(vault.generation)})
            await self.acts.record([note_of(vault.known), row])
        except BaseException:
            vault.lock()
            raise
        self._looked = None
        self.session.begin(vault)
        self._learn()
        for warning in vault.warnings:
            self.log.warning("vault.loose", detail=warning)
        self._told = Standing.LOCKED  # whoever was lent to before is told anew: there may be more
        self._tell()
        self._changed.set()

    def _learn(self) -> None:
        for value in self.session.values():
            self.redactor.learn(value.reveal())

    async def _opened(self, passphrase: Secret, caller: Caller, *, accept_older: bool = False) -> Vault:
        self.redactor.learn(passphrase.reveal())
        known = self.acts.known()
        opening = partial(
            Vault.open, self.home.vault, passphrase, known=known, accept_older=accept_older, around=self._around()
        )
        try:
            vault = await self._off_loop(opening)
        except WrongPassphrase as error:
            self._brake()
            await self._record_refusal(caller, error)
            raise
        except FloorbrokerError as error:
            await self._record_refusal(caller, error)
            raise
        self._failed = 0
        return vault

    async def _record_refusal(self, caller: Caller, error: FloorbrokerError) -> None:
        if isinstance(error, NotFound):
            return
        reason = type(error).__name__
        await self.acts.record([row_of(caller, "vault.unlock", self._vault_id(), "refused", reason=reason)])

    async def _off_loop(self, work: Callable[[], T]) -> T:
        self._deriving = True
        try:
            return await asyncio.to_thread(work)
        finally:
            self._deriving = False

    @asynccontextmanager
    async def _trying(self) -> AsyncGenerator[None]:
        """Around a passphrase that is tried: not while the file is written, or what is opened would be of yesterday."""
        self._may_try()
        async with self._one_change:
            self._may_try()
            yield

    def _may_try(self) -> None:
        """A derivation takes 256 MiB: one at a time, and later and later after wrong ones."""
        if self._deriving:
            raise RateLimitExceeded("another passphrase is being tried: wait a moment", hint=Hint(retry_after_s=1))
        wait_s = self._free_at_s - self.clock.monotonic()
        if self._failed and wait_s > 0:
            told = f"the last passphrase was refused: try again in {wait_s:.0f} s"
            raise RateLimitExceeded(told, hint=Hint(retry_after_s=wait_s))

    async def until_free(self) -> None:
        """Wait until another passphrase may be tried: for a start, which asks again by itself."""
        await self.clock.sleep(max(self._free_at_s - self.clock.monotonic(), 0.0))

    def _brake(self) -> None:
        self._failed += 1
        self._free_at_s = self.clock.monotonic() + min(2.0 ** (self._failed - 1), _LONGEST_WAIT_S)


async def _to_its_end(work: Callable[[], T]) -> T:
    """Work in a thread.  Who is cancelled meanwhile still waits for its end: nobody writes the file beside it."""
    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _is_of(info: RecordInfo, tenant: Tenant) -> bool:
    return (info.profile, info.broker, info.environment) == (tenant.profile, tenant.broker, tenant.environment)


__all__ = ["ITSELF", "STARTING", "Unlocking", "VaultStatus"]
