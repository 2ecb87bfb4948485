"""Where the credentials of a profile come from: environment over `.env_bot` over the OS keyring over the vault.

Environment and `.env_bot` speak of one profile alone; the keyring is asked where the configuration says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from floorbroker.app.config import ProfileSection
from floorbroker.app.credentials import BotFile
from floorbroker.app.keystore import KeyStore, os_keyring
from floorbroker.domain.forms import OPEN, SEALED
from floorbroker.domain.ports import Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Word


class Origin(Word):
    """Who gave a field."""

    ENVIRONMENT = "environment"
    ENV_BOT = ".env_bot"
    KEYRING = "keyring"
    VAULT = "vault"
    FILE = "floorbroker.toml"


@dataclass(frozen=True, slots=True)
class Gathered:
    """One profile's fields: open ones as text, sealed ones as secrets, and who gave each."""

    plain: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin])


def _nothing(profile: Profile) -> Mapping[str, Secret]:
    """A desk without a vault."""
    del profile
    return {}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where sealed fields lie; `keystore` is asked for only where the configuration says so."""

    keystore: Callable[[], KeyStore] = os_keyring
    sealed: Callable[[Profile], Mapping[str, Secret]] = _nothing


def gather(
    profile: Profile,
    section: ProfileSection | None,
    *,
    bot: BotFile | None,
    keystore: KeyStore | None,
    sealed: Mapping[str, Secret],
) -> Gathered:
    """The fields of a profile.

    `bot` is given for the profile it describes alone, `keystore` where the keyring is to be asked; `sealed` is what the vault
    has for this profile, its broker and its environment.  Raises `ConfigInvalid` when the keyring does not answer.
    """
    plain, secrets = {"BROKER_CODE": profile.broker}, dict(sealed)
    origins = dict.fromkeys(sealed, Origin.VAULT)
    if section is not None:
        written = {"BROKER_HOST": section.host, "BROKER_URL": section.url}
        plain |= {name: text for name, text in written.items() if text}
    origins |= dict.fromkeys(plain, Origin.FILE)
    if keystore is not None:
        kept = keystore.secrets(profile.name, broker=profile.broker, environment=profile.environment)
        secrets |= kept
        origins |= dict.fromkeys(kept, Origin.KEYRING)
    if bot is not None:
        given = bot.fields()
        plain |= {name: given[name] for name in OPEN if name in given}
        secrets |= {name: Secret(given[name]) for name in SEALED if name in given}
        origins |= {name: Origin.ENVIRONMENT if name in bot.outside else Origin.ENV_BOT for name in given}
    return Gathered(plain, secrets, origins)
