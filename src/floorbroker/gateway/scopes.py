"""Whom a kill stops: everything, one profile, account, strategy or token, as the one text that journal, files and doors keep.

    *   paper   account:U1234567   strategy:momentum-1   token:operator

A profile's name has no colon, so no scope reads as another.  An account is what its number says, at whichever profiles; a token
is the principal whose wish an order was.
"""

from __future__ import annotations

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.values import ProfileName, Word

GLOBAL = ProfileName("*")
NAME_MAX = 128


class Kind(Word):
    """What a scope names."""

    ALL = "all"
    PROFILE = "profile"
    ACCOUNT = "account"
    STRATEGY = "strategy"
    TOKEN = "token"  # noqa: S105 - a word for a kind of scope, no secret


NARROW = (Kind.ACCOUNT, Kind.STRATEGY, Kind.TOKEN)
WITHOUT_POSITIONS = (Kind.STRATEGY, Kind.TOKEN)  # positions are an account's: there is nothing of theirs to flatten


def named_scope(kind: Kind, name: str) -> ProfileName:
    """The scope of one kind with a name.  Raises `InvalidRequest` for a name that cannot be kept on one line."""
    if kind is Kind.ALL:
        return GLOBAL
    if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        detail = f"{kind.value} {name!r} is no name: 1 to {NAME_MAX} printable characters"
        raise InvalidRequest(detail, fields=(FieldError(pointer=f"/{kind.value}", code="not_a_name", detail=detail),))
    return ProfileName(name) if kind is Kind.PROFILE else ProfileName(f"{kind.value}:{name}")


def scope_of(
    *, profile: str | None = None, account: str | None = None, strategy: str | None = None, token: str | None = None
) -> ProfileName:
    """The one scope that is named; everything when none is.  Raises `InvalidRequest` for two at once."""
    given = {Kind.PROFILE: profile, Kind.ACCOUNT: account, Kind.STRATEGY: strategy, Kind.TOKEN: token}
    named = {kind: name for kind, name in given.items() if name is not None}
    if len(named) > 1:
        detail = f"name one of {', '.join(kind.value for kind in named)}: a kill has one scope"
        fields = tuple(FieldError(pointer=f"/{kind.value}", code="one_scope", detail=detail) for kind in named)
        raise InvalidRequest(detail, fields=fields)
    return next((named_scope(kind, name) for kind, name in named.items()), GLOBAL)


def parted(scope: str) -> tuple[Kind, str]:
    """Kind and name of a scope."""
    if scope == GLOBAL:
        return Kind.ALL, ""
    for kind in NARROW:
        if scope.startswith(f"{kind.value}:"):
            return kind, scope.removeprefix(f"{kind.value}:")
    return Kind.PROFILE, scope


def named(scope: ProfileName) -> dict[str, ProfileName]:
    """The keyword by which `scope_of` makes a scope; none for everything."""
    kind, name = parted(scope)
    return {} if kind is Kind.ALL else {kind.value: ProfileName(name)}


def in_words(scope: str) -> str:
    """A scope as people read it."""
    kind, name = parted(scope)
    return "all profiles" if kind is Kind.ALL else f"{kind.value} {name}"
