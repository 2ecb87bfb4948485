"""Log-ins that were begun and wait for their code: each has a state of its own, which the venue's page brings back, once.

Who brings a code without the state of a log-in that somebody began here wants to log others into an account of theirs.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from floorbroker.app.profiles import Listed, Profiles
from floorbroker.domain.errors import Conflict, InvalidRequest
from floorbroker.gateway.desk import Caller

LASTS_S = 600.0
_WAITING_MAX = 64
_STATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Begun:
    """A log-in that was begun: the venue's page, and the state it brings back."""

    url: str
    state: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    profile: str
    until_s: float


@dataclass(slots=True)
class LogIns:
    """The log-ins of one process."""

    profiles: Profiles
    _waiting: dict[str, _Waiting] = field(default_factory=dict[str, _Waiting])

    async def begin(self, name: str) -> Begun:
        """Raises `NotSupported` where nobody logs in, `NotFound`, `VaultLocked`."""
        state = secrets.token_urlsafe(_STATE_BYTES)
        url = await self.profiles.log_in_page(name, state=state)
        self._forget()
        self._waiting[state] = _Waiting(name, self._now_s() + LASTS_S)
        while len(self._waiting) > _WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        return Begun(url, state)

    async def finish(self, name: str, *, code: str, state: str, caller: Caller) -> Listed:
        """Change the code for a credential and keep it.

        Raises `Conflict` for a state that is not waited for, and what the venue says.
        """
        self._forget()
        waiting = self._waiting.get(state)
        if waiting is None or waiting.profile != name:
            raise Conflict(
                "no log-in of this profile waits for this state: it is over, was used, or was begun elsewhere"
            )
        del self._waiting[state]
        return await self.profiles.log_in(name, code=code, caller=caller)

    def _forget(self) -> None:
        now_s = self._now_s()
        self._waiting = {state: one for state, one in self._waiting.items() if one.until_s > now_s}

    def _now_s(self) -> float:
        return self.profiles.unlocking.clock.monotonic()


def code_in(text: str, state: str) -> str:
    """The code in what a person pastes: the address that the page led back to, or the code alone.

    Raises `InvalidRequest` for an address without a code, and for one with another state than `state`.
    """
    text = text.strip()
    if "://" not in text:
        return text
    try:
        query = parse_qs(urlsplit(text).query)
    except ValueError as error:
        raise InvalidRequest("that is no address") from error
    if query.get("state", [state]) != [state]:
        raise InvalidRequest("that address belongs to another log-in: begin anew")
    if len(query.get("code", [])) != 1:
        raise InvalidRequest("that address has no code=: paste the one that the log-in led back to")
    return query["code"][0]
