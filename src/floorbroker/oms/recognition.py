"""Whose account this is by the venue's own word, and what its key may do: asked before anything it says is believed."""

from __future__ import annotations

from floorbroker.domain.records import Account, KeyPermissions
from floorbroker.domain.values import Environment

# What a venue's own data may call an account of ours.  A simulator plays a venue's account for practice, never a live one.
AGREES: dict[Environment, frozenset[str]] = {
    Environment.SIM: frozenset({"sim", "paper", "demo"}),
    Environment.PAPER: frozenset({"paper", "demo"}),
    Environment.LIVE: frozenset({"live"}),
}


def stranger(account: Account, environment: Environment, *, expected: str) -> str:
    """Why this is not the account the profile means; empty when it is, as far as the venue tells.

    `expected` is BROKER_ACCOUNT_NUMBER, empty when it is not given.  No number is written out in full.
    """
    hint = account.environment_hint
    if hint and hint not in AGREES[environment]:
        return f"the venue says this account is {hint}, the profile is {environment.value}"
    if expected and not account.account:
        return "the venue tells no account number, so that it cannot be compared with BROKER_ACCOUNT_NUMBER"
    if expected and expected != account.account:
        return f"the venue's account (it ends in {account.account[-4:]}) is not the one in BROKER_ACCOUNT_NUMBER"
    return ""


def overpowered(permissions: KeyPermissions) -> str:
    """Why this key is refused; empty when the venue says it cannot withdraw, or does not say."""
    if permissions.withdraw:
        return "this key can withdraw money, which trading never needs: make one at the venue that cannot, and rotate to it"
    return ""
