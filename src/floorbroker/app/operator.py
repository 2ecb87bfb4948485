"""The operator's token: made at the first run, kept in `setup-token`, and made anew when the first user comes.

What was printed for set-up opens nothing from then on; the file goes on being the way in of the command line on this machine.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from floorbroker.app.home import Home, first_token, renewed_token
from floorbroker.app.redactor import SecretFilter
from floorbroker.domain.secret import Secret
from floorbroker.people.identity import OPERATOR
from floorbroker.people.tokens import digest_of


@dataclass(slots=True)
class Operator:
    """The token of one home.  Calling it is the check."""

    home: Home
    redactor: SecretFilter
    digest: str
    token: Secret
    is_first: bool = False

    @classmethod
    def of(cls, home: Home, redactor: SecretFilter) -> Operator:
        """The token that is there, or a first one.  Raises `ConfigInvalid` for a file that holds none."""
        token, is_first = first_token(home)
        redactor.learn(token.reveal())
        return cls(home, redactor, digest_of(token.reveal()), token, is_first)

    def __call__(self, token: str) -> str | None:
        return OPERATOR.principal if hmac.compare_digest(digest_of(token), self.digest) else None

    def renew(self) -> None:
        """Another token in the same file; the one before opens nothing any more."""
        self.token = renewed_token(self.home)
        self.redactor.learn(self.token.reveal())
        self.digest = digest_of(self.token.reveal())


__all__ = ["Operator"]
