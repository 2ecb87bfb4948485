"""Stand-ins that tests of the composition root hand in."""

from __future__ import annotations

from dataclasses import dataclass, field


class KeyringTroubleError(Exception):
    """What a keyring raises; its text is not to be repeated."""


class NoKeyringError(KeyringTroubleError):
    """The library's own name for a machine without one."""


@dataclass
class FakeKeyring:
    """A keyring in memory; `trouble` is raised by every call."""

    held: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    trouble: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        self._ask()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._ask()
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._ask()
        del self.held[service, username]

    def _ask(self) -> None:
        if self.trouble is not None:
            raise self.trouble
