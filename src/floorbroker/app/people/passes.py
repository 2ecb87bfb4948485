"""Tokens of programs: made once, shown once, kept by their digest."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from floorbroker.app.acts import Acts, row_of
from floorbroker.app.people.memory import Memory
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, FieldError, Forbidden, InvalidRequest, NotFound
from floorbroker.domain.frozen import frozen
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.people.identity import Identity, Kind, Scope, why_no_name
from floorbroker.people.records import Token, network_of
from floorbroker.people.tokens import digest_of, new_id, new_token

MINUTE_S = 60.0
NOTED_EVERY = timedelta(minutes=1)
TOKENS_MAX = 1000


@frozen
class NewToken:
    """What a program is to be let do.  `addresses` are networks, all when there are none."""

    name: str
    environment: Environment
    scopes: frozenset[Scope]
    expires_at: datetime | None = None
    addresses: tuple[str, ...] = ()
    per_minute: int | None = None


@frozen
class Refusal:
    """A token that is known and opens nothing."""

    why: str


@dataclass(slots=True, kw_only=True)
class Passes:
    """Acts on tokens, and what a token opens."""

    memory: Memory
    acts: Acts
    clock: Clock
    _asked_s: dict[str, deque[float]] = field(default_factory=dict[str, "deque[float]"])

    async def create(self, new: NewToken, *, owner: Identity, caller: Caller) -> tuple[Token, Secret]:
        """A token and its text, which nobody can read again.  Raises `Forbidden` for more than its owner may."""
        name = new.name.strip().lower()
        if wrong := why_no_name(name):
            raise _invalid("/name", wrong)
        if not new.scopes:
            raise _invalid("/scopes", "a token without a scope opens nothing")
        _assert_owner_may(new, owner)
        secret = new_token(new.environment)
        token = Token(
            id=new_id(),
            name=name,
            digest=digest_of(secret.reveal()),
            user_id=owner.user_id,
            scopes=new.scopes,
            environment=new.environment,
            addresses=_networks(new.addresses),
            per_minute=new.per_minute,
            created_at=self.clock.now(),
            expires_at=self._end(new.expires_at),
        )
        async with self.memory.one:
            if self.memory.user_named(name) or self.memory.token_named(name):
                raise Conflict(f"there is a user or a token {name} already; the name of a revoked one stays taken")
            if len(self.memory.tokens) >= TOKENS_MAX:
                raise Conflict(f"there are {TOKENS_MAX} tokens already")
            await self._record(caller, "token.create", token)
            await self.memory.put_token(token)
        return token, secret

    async def revoke(self, name: str, *, by: Identity, caller: Caller) -> Token:
        """End a token, by its name or id.  One that is revoked already stays as it is."""
        async with self.memory.one:
            token = self.one(name, by=by)
            if token.revoked_at is None:
                await self._record(caller, "token.revoke", token)
                token = replace(token, revoked_at=self.clock.now())
                await self.memory.put_token(token)
            return token

    def all(self, *, by: Identity) -> list[Token]:
        """Those that somebody may see: their own, and an admin everybody's.  Newest first."""
        theirs = [token for token in self.memory.tokens.values() if _may_see(token, by)]
        return sorted(theirs, key=lambda token: (token.created_at, token.id), reverse=True)

    def one(self, name: str, *, by: Identity) -> Token:
        """Raises `NotFound`, for somebody else's too."""
        token = self.memory.token_named(name)
        if token is None or not _may_see(token, by):
            raise NotFound("no such token")
        return token

    def state(self, token: Token) -> str:
        """One word: active, expired or revoked."""
        why = token.why_not(self.clock.now(), "")
        return why if why in ("expired", "revoked") else "active"

    def by_token(self, text: str, address: str) -> Identity | Refusal | None:
        """Who comes with this token; None for one that nobody made."""
        token = self.memory.tokens.get(digest_of(text))
        if token is None:
            return None
        owner = self.memory.users.get(token.user_id)
        if token.user_id and (owner is None or owner.disabled):
            return Refusal(why="its user may not come in")
        now = self.clock.now()
        if why := token.why_not(now, address):
            return Refusal(why=why)
        return token.identity(owner)

    def wait_s(self, identity: Identity) -> float:
        """Seconds until a token that has a rate may ask again; zero when this request is one of its minute's."""
        if identity.per_minute is None:
            return 0.0
        asked = self._asked_s.setdefault(identity.token_id, deque())
        now_s = self.clock.monotonic()
        while asked and now_s - asked[0] >= MINUTE_S:
            asked.popleft()
        if len(asked) >= identity.per_minute:
            return MINUTE_S - (now_s - asked[0])
        asked.append(now_s)
        return 0.0

    def left(self, identity: Identity) -> tuple[int, int]:
        """How often a token that has a rate may still ask, and the seconds until it may once more than that."""
        asked = self._asked_s.get(identity.token_id) or deque[float]()
        again_s = MINUTE_S - (self.clock.monotonic() - asked[0]) if asked else 0.0
        return max((identity.per_minute or 0) - len(asked), 0), max(math.ceil(again_s), 0)

    async def note_use(self, identity: Identity) -> None:
        """Write when a token was used, once a minute."""
        token = next((one for one in self.memory.tokens.values() if one.id == identity.token_id), None)
        now = self.clock.now()
        if token is not None and (token.used_at is None or now - token.used_at >= NOTED_EVERY):
            await self.memory.mark_token(token, now)

    def _end(self, expires_at: datetime | None) -> datetime | None:
        if expires_at is not None and expires_at <= self.clock.now():
            raise _invalid("/expires_at", "that is in the past")
        return expires_at

    async def _record(self, caller: Caller, action: str, token: Token) -> None:
        detail = {"scopes": " ".join(scope.value for scope in Scope if scope in token.scopes)}
        detail |= {"environment": token.environment.value}
        await self.acts.record([row_of(caller, action, token.name, "done", detail=detail)])


def _assert_owner_may(new: NewToken, owner: Identity) -> None:
    if owner.kind is Kind.TOKEN:
        raise Forbidden("a token cannot make another one")
    if not owner.sees(new.environment):
        raise Forbidden(f"you may not do anything in {new.environment.value}, so your tokens may not either")
    if more := [scope.value for scope in Scope if scope in new.scopes and scope not in owner.scopes]:
        raise Forbidden(f"you do not have the scope {more[0]} yourself")


def _may_see(token: Token, by: Identity) -> bool:
    if by.kind is Kind.TOKEN:
        return token.id == by.token_id
    return by.is_admin or (bool(token.user_id) and token.user_id == by.user_id)


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(network_of(text) for text in texts))
    except ValueError as error:
        raise _invalid("/addresses", "write addresses like 192.0.2.7 or networks like 10.0.0.0/8") from error


def _invalid(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code="not_valid", detail=detail),))
