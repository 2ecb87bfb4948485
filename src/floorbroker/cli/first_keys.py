"""The first keys of the audit's chains that the vault keeps, for a verification on the command line."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from floorbroker.cli.passphrases import Given, offered
from floorbroker.cli.settings import Settings

if TYPE_CHECKING:
    from floorbroker.app.home import Home
    from floorbroker.domain.secret import Secret
    from floorbroker.domain.values import Environment
    from floorbroker.vault import Seen, Vault

QUESTION = "Passphrase of the vault, which keeps the first key (empty: verify without it)"
UNASKED = "the vault keeps the first key, and its passphrase was not given (--passphrase-fd, --passphrase-file)"
ABSENT = "the first key is neither here nor in the vault (--k0-fd)"


@dataclass(slots=True)
class FirstKeys:
    """Opens the vault when the first key is wanted that it says to have, once.  `close` it afterwards."""

    settings: Settings
    home: Home
    given: Given
    _vault: Vault | None = None
    _is_asked: bool = False

    def of(self, environment: Environment, log: str) -> tuple[Secret | None, str]:
        """The key of a chain, else why it is not there.  Raises `WrongPassphrase` and what else a vault refuses with."""
        from floorbroker.app.escrow import first_key, is_kept

        seen = self._seen()
        if seen is None or not is_kept(seen.records, environment, log):
            return None, ABSENT
        if (vault := self._opened(seen)) is None:
            return None, UNASKED
        first = first_key(vault, environment, log)
        if first is None:
            return None, ABSENT
        self.settings.redactor.learn(first.reveal())
        return first, ""

    def close(self) -> None:
        if self._vault is not None:
            self._vault.lock()

    def _seen(self) -> Seen | None:
        from floorbroker.domain.errors import NotFound
        from floorbroker.vault import Vault

        with suppress(NotFound):
            return Vault.look(self.home.vault)
        return None

    def _opened(self, seen: Seen) -> Vault | None:
        from floorbroker.vault import Vault

        if self._is_asked:
            return self._vault
        self._is_asked = True
        passphrase = offered(self.settings, self.home, self.given, vault_id=seen.vault_id, question=QUESTION)
        if passphrase is not None:
            self.settings.redactor.learn(passphrase.reveal())
            derive = self.settings.outside().derive
            self._vault = Vault.open(self.home.vault, passphrase, derive=derive, upgrade=False)
        return self._vault
