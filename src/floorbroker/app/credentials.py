"""The eight agnostic credential fields, from the environment or `.env_bot` (one profile, for containers)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName

FIELDS = (
    "BROKER_CODE",
    "BROKER_HOST",
    "BROKER_USERNAME",
    "BROKER_PASSWORD",
    "BROKER_ACCOUNT_NUMBER",
    "BROKER_API_KEY",
    "BROKER_SECRET_KEY",
    "BROKER_URL",
)
_YES_OR_NO = ("FAILOVER_ENABLED", "FRACTIONAL_ENABLED", "BROKER_PLAINTEXT_OK")
SWITCHES = ("API_RETRY_LIMIT", "FAILOVER_ENABLED", "FAILOVER_LOG_TAG", "FRACTIONAL_ENABLED", "BROKER_PLAINTEXT_OK")
_SECRET = frozenset({"BROKER_PASSWORD", "BROKER_API_KEY", "BROKER_SECRET_KEY"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the user gave for one profile; secrets do not print."""

    plain: Mapping[str, str] = field(default_factory=dict[str, str])
    secret: Mapping[str, Secret] = field(default_factory=dict[str, Secret])

    def get(self, name: str) -> str:
        return self.plain.get(name, "")


@dataclass(frozen=True, slots=True)
class BotFile:
    """What environment and `.env_bot` say; the environment wins."""

    values: Mapping[str, str]

    def credentials(self) -> Credentials:
        given = {name: self.values[name] for name in FIELDS if self.values.get(name)}
        return Credentials(
            plain={name: text for name, text in given.items() if name not in _SECRET},
            secret={name: Secret(text) for name, text in given.items() if name in _SECRET},
        )

    def int_of(self, name: str) -> int | None:
        """A whole-number switch.  Raises `ConfigInvalid` naming it."""
        text = self.values.get(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS_MAX:
            raise ConfigInvalid(f"{name}: {text[:32]!a} is not a whole number of at most {_DIGITS_MAX} digits")
        return int(text)

    def bool_of(self, name: str) -> bool | None:
        """A yes-or-no switch.  Raises `ConfigInvalid` naming it."""
        text = self.values.get(name, "").lower()
        if not text:
            return None
        if text not in _WORDS:
            raise ConfigInvalid(f"{name}: {text[:32]!a} is not true or false")
        return _WORDS[text]


_DIGITS_MAX = 2
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def read_bot(path: Path, environ: Mapping[str, str] | None = None) -> BotFile:
    """`.env_bot` below the environment.  Lines are `NAME=value`; unknown names are refused.

    Raises `ConfigInvalid` naming the line or the field, never its value where that may be a secret.
    """
    values = dict(_lines(path))
    given = os.environ if environ is None else environ
    values |= {name: given[name] for name in (*FIELDS, *SWITCHES) if given.get(name)}
    for name, value in values.items():
        if not value.isprintable():
            raise ConfigInvalid(f"{name}: it holds control characters or bytes that are no text")
    bot = BotFile(values)
    bot.int_of("API_RETRY_LIMIT")
    for name in _YES_OR_NO:
        bot.bool_of(name)
    return bot


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigInvalid(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigInvalid(f"{path}: it is not UTF-8 (byte {error.start})") from None
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or name.strip() not in (*FIELDS, *SWITCHES):
            raise ConfigInvalid(f"{path}:{number}: not one of {', '.join((*FIELDS, *SWITCHES))}")
        yield name.strip(), value.split(" #")[0].strip().strip("\"'")


def profile_of(bot: BotFile, infos: Mapping[str, BrokerInfo]) -> Profile | None:
    """The profile that the eight fields describe; None when they name no broker.

    The environment follows from the host: loopback is `sim`, else what the broker's closed table says.  Live credentials in
    plain text are refused unless `BROKER_PLAINTEXT_OK` says otherwise.
    """
    code = bot.values.get("BROKER_CODE", "").upper()
    if not code:
        return None
    info = infos.get(code)
    if info is None:
        raise ConfigInvalid(f"BROKER_CODE {code!r} is not one of {', '.join(sorted(infos))}")
    environment = environment_of(bot.values.get("BROKER_URL", ""), info)
    if environment is Environment.LIVE and not bot.bool_of("BROKER_PLAINTEXT_OK"):
        raise ConfigInvalid("live credentials in plain text are refused; set BROKER_PLAINTEXT_OK=1 to accept the risk")
    name = ProfileName(f"{info.folder.replace('_', '-')}-{environment.value}")
    return Profile(name=name, broker=code, environment=environment)


def environment_of(url: str, info: BrokerInfo) -> Environment:
    """The environment a URL belongs to.  Raises `ConfigInvalid` for a host the broker does not have."""
    if not url:
        return Environment.PAPER
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigInvalid(f"BROKER_URL: it is no URL: {error}") from None
    if parts.hostname in ("127.0.0.1", "::1", "localhost"):
        return Environment.SIM
    for origin in (f"{parts.scheme}://{parts.hostname}", parts.hostname or ""):
        if origin in info.hosts:
            return info.hosts[origin]
    raise ConfigInvalid(f"BROKER_URL: {parts.hostname!r} is no host of {info.name}")
