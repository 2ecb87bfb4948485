"""The eight agnostic fields as environment and `.env_bot` say them: they describe one profile, for containers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import FIELDS, SEALED
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import Environment, ProfileName

_YES_OR_NO = ("FAILOVER_ENABLED", "FRACTIONAL_ENABLED", "BROKER_PLAINTEXT_OK")
SWITCHES = ("API_RETRY_LIMIT", "FAILOVER_ENABLED", "FAILOVER_LOG_TAG", "FRACTIONAL_ENABLED", "BROKER_PLAINTEXT_OK")
NAMES = (*FIELDS, *SWITCHES)


@dataclass(frozen=True, slots=True)
class BotFile:
    """What environment and `.env_bot` say; the environment wins.  `outside` are the names that the environment gave."""

    values: Mapping[str, str] = field(repr=False)  # secrets are among them
    outside: frozenset[str] = frozenset()

    def fields(self) -> dict[str, str]:
        """Those of the eight that were given."""
        return {name: self.values[name] for name in FIELDS if self.values.get(name)}

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
    outside = {name: given[name] for name in NAMES if given.get(name)}
    values |= outside
    for name, value in values.items():
        if not value.isprintable():
            raise ConfigInvalid(f"{name}: it holds control characters or bytes that are no text")
    bot = BotFile(values, frozenset(outside))
    bot.int_of("API_RETRY_LIMIT")
    for name in _YES_OR_NO:
        bot.bool_of(name)
    return bot


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigInvalid(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigInvalid(f"{path}: it is not UTF-8 (byte {error.start})") from None
    yield from lines_of(text, str(path))


def lines_of(text: str, where: str) -> Iterator[tuple[str, str]]:
    """Names and values of a text in the form of `.env_bot`.  Raises `ConfigInvalid` with the number of a wrong line."""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        name, equals, value = bare.partition("=")
        if not equals or name.strip() not in NAMES:
            raise ConfigInvalid(f"{where}:{number}: write NAME=value with one of {', '.join(NAMES)}")
        yield name.strip(), value.split(" #")[0].strip().strip("\"'")


def profile_of(bot: BotFile, infos: Mapping[str, BrokerInfo]) -> Profile | None:
    """The profile that the eight fields describe; None when they name no broker.

    The environment follows from the host: loopback is `sim`, else what the broker's closed table says.  Live credentials in
    plain text are refused unless `BROKER_PLAINTEXT_OK` says otherwise.
    """
    code = bot.values.get("BROKER_CODE", "").upper()
    if not code:
        _without_code(bot)
        return None
    info = infos.get(code)
    if info is None:
        raise ConfigInvalid(f"BROKER_CODE {code!r} is not one of {', '.join(sorted(infos))}")
    environment = environment_of(bot.values.get("BROKER_URL", ""), info)
    if environment is Environment.LIVE and not bot.bool_of("BROKER_PLAINTEXT_OK"):
        raise ConfigInvalid("live credentials in plain text are refused; set BROKER_PLAINTEXT_OK=1 to accept the risk")
    for name, wrong in info.form(environment).wrong(_of_this_broker(bot, info)).items():
        raise ConfigInvalid(f"{name}: {wrong}")
    name = ProfileName(f"{info.folder.replace('_', '-')}-{environment.value}")
    return Profile(name=name, broker=code, environment=environment)


def _without_code(bot: BotFile) -> None:
    """A secret that belongs to nobody is a mistake, not something to leave lying about."""
    for name in SEALED:
        if bot.values.get(name):
            raise ConfigInvalid(f"{name} is given without BROKER_CODE, so nobody can tell whose it is")


def _of_this_broker(bot: BotFile, info: BrokerInfo) -> dict[str, str]:
    """The fields that this broker uses; a container's file may hold more."""
    used = {asked.name for asked in info.fields}
    return {name: answer for name, answer in bot.fields().items() if name in used}


def place_of(described: Profile, configured: Iterable[Profile]) -> Profile:
    """The profile that the eight fields mean: the configured one of that broker and environment, else a new one.

    Raises `ConfigInvalid` where the name belongs to another account, or several would fit.
    """
    fitting = [p for p in configured if (p.broker, p.environment) == (described.broker, described.environment)]
    named = [p for p in configured if p.name == described.name]
    if named and named[0] not in fitting:
        raise ConfigInvalid(
            f"the BROKER_* values are of {described.broker} in {described.environment.value}, but profile {named[0].name}"
            f" is {named[0].broker} in {named[0].environment.value}: give that profile another name"
        )
    if named or len(fitting) == 1:
        return (named or fitting)[0]
    if fitting:
        names = ", ".join(p.name for p in fitting)
        raise ConfigInvalid(
            f"the BROKER_* values fit several profiles ({names}): name one of them {described.name},"
            " or put the keys into the vault"
        )
    return described


def environment_of(url: str, info: BrokerInfo) -> Environment:
    """The environment a URL belongs to.  Raises `ConfigInvalid` for a host the broker does not have."""
    if not url:
        return Environment.PAPER
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigInvalid(f"BROKER_URL: it is no URL: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigInvalid(
            "BROKER_URL: names and passwords do not stand in a URL: use BROKER_USERNAME, BROKER_PASSWORD"
        )
    if parts.hostname in ("127.0.0.1", "::1", "localhost"):
        return Environment.SIM
    for origin in (f"{parts.scheme}://{parts.hostname}", parts.hostname or ""):
        if origin in info.hosts:
            return info.hosts[origin]
    raise ConfigInvalid(f"BROKER_URL: {parts.hostname!r} is no host of {info.name}")
