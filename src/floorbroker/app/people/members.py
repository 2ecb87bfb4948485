"""Users: who belongs to a desk, in which role, with which password and second factor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from floorbroker.app.acts import Acts, row_of
from floorbroker.app.people.memory import Memory
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, FieldError, Forbidden, InvalidRequest, NotFound
from floorbroker.domain.frozen import frozen
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.people.identity import EVERYWHERE, OPERATOR, Role, why_no_name
from floorbroker.people.passwords import Passwords, is_short, why_weak
from floorbroker.people.records import User
from floorbroker.people.second_factor import look_at, new_secret
from floorbroker.people.tokens import new_id, new_recovery_codes, new_reference, recovery_digest

PRACTICE = frozenset({Environment.SIM, Environment.PAPER})
AT_ONCE = 2  # derivations: each takes memory and a processor for a moment
T = TypeVar("T")


@frozen
class NewUser:
    """Somebody who is to belong to the desk."""

    name: str
    password: Secret
    role: Role = Role.VIEWER
    environments: frozenset[Environment] = PRACTICE


@dataclass(slots=True, kw_only=True)
class Members:
    """Acts on users.  Each is in the audit before it happens, and one happens at a time."""

    memory: Memory
    acts: Acts
    clock: Clock
    passwords: Passwords
    on_first: Callable[[], None]  # the first user has come: the token of set-up is spent
    _nobodys: str = ""  # compared for a name that nobody has
    _slow: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def all(self) -> list[User]:
        """By name."""
        return sorted(self.memory.users.values(), key=lambda user: user.name)

    def one(self, name: str) -> User:
        """Raises `NotFound`."""
        user = self.memory.user_named(name)
        if user is None:
            raise NotFound("no such user")
        return user

    async def add(self, new: NewUser, *, caller: Caller) -> User:
        """Take somebody in; the first one is admin everywhere.  Raises `InvalidRequest`, `Conflict` for a name in use."""
        name = new.name.strip().lower()
        if wrong := why_no_name(name):
            raise _invalid("/name", wrong)
        kept = await self._kept(new.password, name=name, second_factor=False)
        async with self.memory.one:
            if self.memory.user_named(name) or self.memory.token_named(name):
                raise Conflict(f"there is a user or a token {name} already")
            is_first = not self.memory.users
            self._assert_in_reach(new.environments, caller)
            user = User(
                id=new_id(),
                name=name,
                role=Role.ADMIN if is_first else new.role,
                environments=EVERYWHERE if is_first else new.environments,
                created_at=self.clock.now(),
                password=kept,
                password_at=self.clock.now(),
            )
            await self._record(caller, "user.add", user, role=user.role.value, environments=_words(user.environments))
            await self.memory.put_user(user)
            if is_first:
                self.on_first()
            return user

    async def edit(
        self,
        name: str,
        *,
        caller: Caller,
        role: Role | None = None,
        environments: frozenset[Environment] | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Change what is given.  Whoever may less than before, or nothing, is signed out."""
        async with self.memory.one:
            user = self.one(name)
            after = replace(
                user,
                role=user.role if role is None else role,
                environments=user.environments if environments is None else environments,
                disabled=user.disabled if disabled is None else disabled,
            )
            self._assert_in_reach(user.environments | after.environments, caller)
            self._assert_an_admin_is_left(user, after, caller)
            told = {"role": after.role.value, "environments": _words(after.environments)}
            await self._record(caller, "user.edit", user, **told, disabled=str(after.disabled).lower())
            await self.memory.put_user(after)
            if after != user:
                await self._sign_out(user)
            return after

    async def remove(self, name: str, *, caller: Caller) -> None:
        """With all sessions and tokens."""
        async with self.memory.one:
            user = self.one(name)
            self._assert_in_reach(user.environments, caller)
            self._assert_an_admin_is_left(user, None, caller)
            await self._record(caller, "user.remove", user)
            await self.memory.drop_user(user)

    async def set_password(self, name: str, password: Secret, *, caller: Caller, keep_session: str = "") -> User:
        """Another password; every other session of that user ends."""
        user = self.one(name)
        self._assert_in_reach(user.environments, caller)
        kept = await self._kept(password, name=user.name, second_factor=user.totp_on)
        async with self.memory.one:
            user = self.one(name)
            self._assert_in_reach(user.environments, caller)
            short = is_short(password.reveal())
            if short and not user.totp_on:
                raise _invalid("/password", "the second factor went off meanwhile: take a longer password")
            await self._record(caller, "user.password", user)
            after = replace(user, password=kept, password_short=short, password_at=self.clock.now())
            await self.memory.put_user(after)
            await self._sign_out(user, but=keep_session)
            return after

    async def fits(self, user: User | None, password: Secret) -> bool:
        """Whether it is their password.  Takes as long for nobody as for somebody."""
        if not self._nobodys:
            self._nobodys = await self._slowly(lambda: self.passwords.keep(new_reference()))
        kept = None if user is None or user.disabled else user.password
        fits = await self._slowly(lambda: self.passwords.fits(password.reveal(), kept or self._nobodys))
        return fits and kept is not None

    async def refresh(self, user: User, password: Secret) -> None:
        """Keep a right password as carefully as is done now, where it was kept with less."""
        if user.password is None or not self.passwords.is_outdated(user.password):
            return
        kept = await self._slowly(lambda: self.passwords.keep(password.reveal()))
        async with self.memory.one:
            present = self.memory.users.get(user.id)
            if present is not None and present.password == user.password:
                await self.memory.put_user(replace(present, password=kept))

    # -- the second factor ------------------------------------------------------------------------------------------------

    async def begin_second_factor(self, name: str, *, caller: Caller) -> Secret:
        """A new secret for an authenticator.  It counts once a first code of it was shown."""
        async with self.memory.one:
            user = self.one(name)
            if user.totp_on:
                raise Conflict("a second factor is on already: switch it off first")
            secret = new_secret()
            await self._record(caller, "user.2fa", user, step="begun")
            await self.memory.put_user(replace(user, totp=secret, totp_step=0))
            return Secret(secret)

    async def confirm_second_factor(self, name: str, code: Secret, *, caller: Caller) -> list[Secret]:
        """The first code: from now on one is asked for.  The recovery codes, told this once."""
        async with self.memory.one:
            user = self.one(name)
            if user.totp_on or user.totp is None:
                raise Conflict("no second factor is being set up")
            passed = look_at(code.reveal(), replace(user, recovery=()), self.clock.now())
            if passed is None:
                raise _invalid("/code", "that is not the code of this moment; is the clock of the telephone right?")
            codes = new_recovery_codes()
            await self._record(caller, "user.2fa", user, step="on")
            kept = tuple(recovery_digest(one) for one in codes)
            await self.memory.put_user(replace(user, totp_on=True, totp_step=passed.step, recovery=kept))
            return [Secret(one) for one in codes]

    async def drop_second_factor(self, name: str, *, caller: Caller) -> User:
        """Off again.  Refused while the password is good enough beside one alone, unless the operator does it."""
        async with self.memory.one:
            user = self.one(name)
            self._assert_in_reach(user.environments, caller)
            if user.password_short and caller.principal != OPERATOR.principal:
                raise Conflict("the password is short: set one of 15 signs or more first")
            await self._record(caller, "user.2fa", user, step="off")
            after = replace(user, totp=None, totp_on=False, totp_step=0, recovery=())
            await self.memory.put_user(after)
            return after

    async def passes_code(self, user: User, code: Secret) -> bool:
        """Whether it is their code; it is worth nothing afterwards."""
        async with self.memory.one:
            present = self.memory.users.get(user.id)
            passed = None if present is None else look_at(code.reveal(), present, self.clock.now())
            if present is None or passed is None:
                return False
            await self.memory.put_user(replace(present, totp_step=passed.step, recovery=passed.recovery))
            return True

    # -- helpers ----------------------------------------------------------------------------------------------------------

    async def _kept(self, password: Secret, *, name: str, second_factor: bool) -> str:
        if weak := why_weak(password.reveal(), name=name, second_factor=second_factor):
            raise _invalid("/password", weak)
        return await self._slowly(lambda: self.passwords.keep(password.reveal()))

    async def _slowly(self, work: Callable[[], T]) -> T:
        async with self._slow:
            return await asyncio.to_thread(work)

    async def _sign_out(self, user: User, *, but: str = "") -> None:
        theirs = [one for one in self.memory.sessions.values() if one.user_id == user.id and one.id != but]
        await self.memory.drop_sessions(theirs)

    def _assert_in_reach(self, environments: frozenset[Environment], caller: Caller) -> None:
        """Nobody gives, or gets by way of somebody else, what is not theirs.  Raises `Forbidden`."""
        by = self.memory.user_named(caller.principal)
        if by is not None and (beyond := environments - by.environments):
            raise Forbidden(f"you may do nothing in {_words(beyond)}, so you change nobody who may")

    def _assert_an_admin_is_left(self, user: User, after: User | None, caller: Caller) -> None:
        """The operator can always let somebody in again; nobody else may leave a desk without an admin."""
        stays = after is not None and after.role is Role.ADMIN and not after.disabled
        others = any(
            one.role is Role.ADMIN and not one.disabled for one in self.memory.users.values() if one.id != user.id
        )
        if user.role is Role.ADMIN and not stays and not others and caller.principal != OPERATOR.principal:
            raise Conflict(f"{user.name} is the only admin: make another one first")

    async def _record(self, caller: Caller, action: str, user: User, **detail: str) -> None:
        await self.acts.record([row_of(caller, action, user.name, "done", detail=detail)])


def _invalid(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code="not_valid", detail=detail),))


def _words(environments: frozenset[Environment]) -> str:
    return " ".join(env.value for env in Environment if env in environments)
