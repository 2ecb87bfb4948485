"""The limits in force on one desk: the file's, and over them every change that was made since, each with a version (I13).

Lowering holds in memory at once and is then made durable; a raise is durable before it holds, and wants a reason and the name of
the limit typed once more by a person.  An order that was decided keeps what it was decided under.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid, Conflict, FieldError, Forbidden, Hint, InvalidRequest, NotFound
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import AuditEntry, Journal, NoteEntry, Record
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.resetting import STEP_UP_S
from floorbroker.oms.account import AccountContext
from floorbroker.risk.book import RiskBook
from floorbroker.risk.changes import NONE, OFF, TOPIC, LimitChange, change_in, changed, loosens, text_of_limit
from floorbroker.risk.limits import REQUIRED_IN_LIVE, SharedLimits
from floorbroker.risk.scope import ScopeKind, scope_key, scope_of

DESK = ProfileName("*")


@frozen
class Wanted:
    """A change that somebody asks for.  `confirm` is the limit's name typed once more; `version` the one that was read."""

    scope: str
    name: str
    value: object
    reason: str = ""
    confirm: str = ""
    version: int | None = None


@frozen
class Kept:
    """The change that a limit in force comes from, and when it was made."""

    change: LimitChange
    at: datetime


@dataclass(slots=True)
class Limits:
    """Who may set which limit to what, and what is set."""

    journal: Journal
    clock: Clock
    risk: RiskBook
    accounts: Mapping[ProfileName, AccountContext]
    version: int = 0
    kept: dict[tuple[str, str], Kept] = field(default_factory=dict[tuple[str, str], Kept])
    _unread: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    @property
    def unreadable(self) -> str:
        """Why no order may be taken: a change in the journal that this desk cannot read; empty once that limit is set anew."""
        return next(iter(self._unread.values())) if self._unread else ""

    def scopes(self) -> dict[str, SharedLimits]:
        """Every scope with limits: the profiles, then the others by name."""
        profiles = {
            scope_key(ScopeKind.PROFILE, name): self.of(scope_key(ScopeKind.PROFILE, name)) for name in self.accounts
        }
        return profiles | {watch.key: watch.limits for _, watch in sorted(self.risk.watches.items())}

    def of(self, scope: str) -> SharedLimits:
        """The limits of a scope; none at all where none were set.  Raises `NotFound` for a profile that is not here."""
        kind, name = _scope(scope)
        if kind is ScopeKind.PROFILE:
            if ProfileName(name) not in self.accounts:
                raise NotFound(f"no profile {name!r}; there are: {', '.join(self.accounts) or 'none'}")
            return self.accounts[ProfileName(name)].limits
        watch = self.risk.watches.get((kind.value, name))
        return watch.limits if watch is not None else SharedLimits()

    async def set(self, wanted: Wanted, *, caller: Caller) -> LimitChange:
        """Change one limit.  Raises `InvalidRequest`, `NotFound`, `Conflict` (another version), `JournalFault`."""
        if wanted.version is not None and wanted.version != self.version:
            raise Conflict(f"the limits are version {self.version} by now: read them again")
        if self._is_retired(wanted):
            return await self._drop(wanted, caller=caller)
        before = self.of(wanted.scope)
        after = changed(before, wanted.name, wanted.value)
        old, new = getattr(before, wanted.name), getattr(after, wanted.name)
        is_raise = loosens(wanted.name, old, new)
        self._assert_may(wanted, new, is_raise=is_raise, caller=caller)
        self.version += 1
        change = LimitChange(
            version=self.version,
            scope=wanted.scope,
            name=wanted.name,
            old=text_of_limit(before, wanted.name),
            new=text_of_limit(after, wanted.name),
            by=caller.principal,
            reason=wanted.reason or "by hand",
        )
        if not is_raise:
            self._apply(change, new, self.clock.now())
        await self.journal.commit([NoteEntry(profile=DESK, topic=TOPIC, data=change.words()), _row(change, caller)])
        if is_raise:
            self._apply(change, new, self.clock.now())
        return change

    def _is_retired(self, wanted: Wanted) -> bool:
        """Whether somebody switches off a limit that blocks, and that this build does not have at all."""
        is_known = wanted.name in type(self.of(wanted.scope)).model_fields
        return (wanted.scope, wanted.name) in self._unread and not is_known and wanted.value in (None, OFF)

    async def _drop(self, wanted: Wanted, *, caller: Caller) -> LimitChange:
        """A limit that no build after this one may have: it goes by a person's word, as any raise does, and durable first."""
        self._assert_confirmed(wanted, caller)
        self.version += 1
        change = LimitChange(
            version=self.version,
            scope=wanted.scope,
            name=wanted.name,
            old="",
            new=NONE,
            by=caller.principal,
            reason=wanted.reason,
        )
        await self.journal.commit([NoteEntry(profile=DESK, topic=TOPIC, data=change.words()), _row(change, caller)])
        self._is_dropped(change)
        return change

    def _is_dropped(self, change: LimitChange) -> bool:
        """Whether a change switches off a limit that this build does not have: then nothing is left of it."""
        if change.new != NONE or change.name in type(self.of(change.scope)).model_fields:
            return False
        self._unread.pop((change.scope, change.name), None)
        return True

    def _assert_may(self, wanted: Wanted, new: object, *, is_raise: bool, caller: Caller) -> None:
        kind, name = _scope(wanted.scope)
        is_live = kind is ScopeKind.PROFILE and self.accounts[ProfileName(name)].profile.environment is Environment.LIVE
        if is_live and new is None and wanted.name in REQUIRED_IN_LIVE:
            raise _wrong("/value", "required", f"live trading needs {wanted.name}: it cannot be switched off")
        if is_raise:
            self._assert_confirmed(wanted, caller)

    @staticmethod
    def _assert_confirmed(wanted: Wanted, caller: Caller) -> None:
        """A raise is a person's, who says why, and who has just proved who they are."""
        if caller.token:
            raise Forbidden(f"raising {wanted.name} is a person's act, and the token {caller.token} is none")
        if caller.proved_s is not None and caller.proved_s > STEP_UP_S:
            raise Forbidden(f"raising {wanted.name}: prove again who you are", hint=Hint(reauthenticate=True))
        if not wanted.reason.strip():
            raise _wrong("/reason", "missing", f"raising {wanted.name} needs a reason")
        if wanted.confirm != wanted.name:
            detail = f"raising {wanted.name} wants its name typed once more by a person: confirm {wanted.name}"
            raise _wrong("/confirm", "not_confirmed", detail)

    def _apply(self, change: LimitChange, value: object, at: datetime) -> None:
        """In force from here on, unless a later change of the same limit already is."""
        place = (change.scope, change.name)
        self._unread.pop(place, None)
        known = self.kept.get(place)
        if known is not None and known.change.version > change.version:
            return
        self.kept[place] = Kept(change=change, at=at)
        after = self.of(change.scope).model_copy(update={change.name: value})
        kind, name = scope_of(change.scope)
        if kind is ScopeKind.PROFILE:
            self.accounts[ProfileName(name)].limits = after  # type: ignore[assignment]
        else:
            self.risk.limit(change.scope, after)

    def restore(self, record: Record) -> None:
        """Take one replayed change over the file's limits.  One that cannot be read blocks new orders until it is set anew."""
        entry = record.entry
        if not isinstance(entry, NoteEntry):
            return
        try:
            change = change_in(entry.data)
            self.version = max(self.version, change.version)
            kind, name = scope_of(change.scope)
            if kind is ScopeKind.PROFILE and ProfileName(name) not in self.accounts:
                return  # a profile that is not open now
            if self._is_dropped(change):
                return
            after = changed(self.of(change.scope), change.name, json.loads(change.new))
            self._apply(change, getattr(after, change.name), record.at)
        except (KeyError, ValueError, InvalidRequest, ConfigInvalid) as error:
            told = error.detail if isinstance(error, InvalidRequest | ConfigInvalid) else "it is no change of a limit"
            place = (entry.data.get("scope", ""), entry.data.get("name", ""))
            self._unread[place] = f"a change of limits in the journal cannot be read (record {record.seq}): {told}"


def _scope(key: str) -> tuple[ScopeKind, str]:
    """Raises `InvalidRequest` naming what there is."""
    try:
        return scope_of(key)
    except ConfigInvalid as error:
        raise _wrong("/scope", "not_one_of", error.detail) from None


def _row(change: LimitChange, caller: Caller) -> AuditEntry:
    return AuditEntry(
        actor=caller.principal,
        via=caller.via,
        action="limits.set",
        object=change.scope,
        profile=DESK,
        outcome="in force",
        reason=change.reason,
        req=caller.request_id,
        detail={"version": str(change.version), change.name: f"{change.old} -> {change.new}"},
    )


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code=code, detail=detail),))
