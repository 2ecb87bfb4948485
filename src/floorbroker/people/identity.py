"""Who somebody is at a door, and what that lets them do: scopes, roles, environments, and when they last proved it."""

from __future__ import annotations

import re
from dataclasses import replace

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import Environment, Word

STEP_UP_S = 300.0  # a proof is good for so long (RELIABILITY 12)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
NAME_RULE = "1 to 32 of a-z 0-9 . _ -, beginning with a letter or digit"
# Names under which the audit and the journal write of nobody in particular, or of parts of the desk.
RESERVED = frozenset(
    {"operator", "unknown", "gateway", "session", "risk", "strategy", "webhook", "file", "signal", "kill", "broker",
     "floorbroker", "system", "root"}
)  # fmt: skip
EVERYWHERE = frozenset(Environment)


class Scope(Word):
    """What may be done.  None includes another: who trades and looks has both."""

    READ = "read"
    TRADE = "trade"
    RISK = "risk"
    ADMIN = "admin"


EVERYTHING = frozenset(Scope)


class Role(Word):
    """What a person is to the desk, a word for several scopes."""

    VIEWER = "viewer"
    TRADER = "trader"
    RISK = "risk"
    ADMIN = "admin"


ROLES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.TRADER: frozenset({Scope.READ, Scope.TRADE}),
    Role.RISK: frozenset({Scope.READ, Scope.RISK}),
    Role.ADMIN: EVERYTHING,
}


class Kind(Word):
    """How somebody came in."""

    OPERATOR = "operator"  # by the token in the home: whoever can read it owns the files of the desk
    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - a word for a program's way in, no secret


@frozen
class Identity:
    """Somebody at a door.  `principal` is the name that journal, limits and kill switch know.

    `proved_s` are the seconds since a person last proved who they are; None for the operator, whose file is the proof.
    """

    principal: str
    kind: Kind
    scopes: frozenset[Scope] = EVERYTHING
    environments: frozenset[Environment] = EVERYWHERE
    user_id: str = ""
    session_id: str = ""
    token_id: str = ""
    proved_s: float | None = None
    per_minute: int | None = None

    def may(self, any_of: frozenset[Scope]) -> bool:
        """Whether one of these scopes is theirs."""
        return bool(self.scopes & any_of)

    def sees(self, environment: Environment) -> bool:
        """Whether anything of this environment is for them."""
        return environment in self.environments

    @property
    def is_admin(self) -> bool:
        return Scope.ADMIN in self.scopes

    def why_not_proved(self) -> str:
        """Why an act that wants a fresh proof is refused; empty when it is not."""
        if self.kind is Kind.TOKEN:
            return (
                "a token cannot do this: it takes a person who signs in, or the command line on the machine of the desk"
            )
        if self.kind is Kind.PERSON and (self.proved_s is None or self.proved_s > STEP_UP_S):
            return f"prove again who you are, by password or code: a proof is good for {STEP_UP_S / 60:.0f} minutes"
        return ""


AT_THE_PAGE = Identity(principal="operator", kind=Kind.OPERATOR)  # in a browser, before there are users
# With the token itself, which is bounded as every token is.
OPERATOR = replace(AT_THE_PAGE, token_id="operator")  # noqa: S106 - a name, no secret


def why_no_name(name: str) -> str:
    """Why somebody cannot be called this; empty when they can."""
    if not NAME.fullmatch(name):
        return f"a name is {NAME_RULE}"
    if name in RESERVED:
        return f"{name} is a name the desk uses itself"
    return ""
