"""Whose limits a wish meets: everything on the desk, and the profile, account, strategy, token and symbol it belongs to."""

from __future__ import annotations

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ProfileName, Word


class ScopeKind(Word):
    """What limits may be set for.  An account is the venue's own number of it, which several profiles may share."""

    GLOBAL = "global"
    PROFILE = "profile"
    ACCOUNT = "account"
    STRATEGY = "strategy"
    TOKEN = "token"  # noqa: S105 - the word for a token's scope; the name of a token is no secret
    SYMBOL = "symbol"


NAMED = tuple(kind for kind in ScopeKind if kind not in (ScopeKind.GLOBAL, ScopeKind.PROFILE))
GLOBAL = "global"


def scope_key(kind: ScopeKind, name: str) -> str:
    """A scope as one word: `global`, `strategy:momentum-1`."""
    return GLOBAL if kind is ScopeKind.GLOBAL else f"{kind.value}:{name}"


def scope_of(key: str) -> tuple[ScopeKind, str]:
    """The scope behind its key.  Raises `ConfigInvalid` naming what there is."""
    word, _, name = key.partition(":")
    try:
        kind = ScopeKind(word)
    except ValueError:
        raise ConfigInvalid(f"no scope {key!r}; there is: {', '.join(kind.value for kind in ScopeKind)}") from None
    if (kind is ScopeKind.GLOBAL) != (not name):
        raise ConfigInvalid(f"scope {key!r}: global has no name, every other scope has one, like strategy:momentum-1")
    return kind, name


@frozen
class Owner:
    """Whose an order is; what is empty has no limits."""

    profile: ProfileName
    symbol: str
    strategy: str = ""
    token: str = ""
    account: str = ""
    legs: tuple[str, ...] = ()  # the symbols of a multi-leg order, each once

    def names(self) -> tuple[tuple[str, str], ...]:
        """Kind and name of each scope beside the profile's, widest first."""
        return (
            ("global", ""),
            ("account", self.account),
            ("token", self.token),
            ("strategy", self.strategy),
            *(("symbol", symbol) for symbol in dict.fromkeys((self.symbol, *self.legs))),
        )
