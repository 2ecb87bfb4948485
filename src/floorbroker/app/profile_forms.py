"""What a profile must say before it is written: its place, its fields, its options; and the section it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

from floorbroker.app.catalogue import DATA, KNOWN, check_profile_options, kind_of
from floorbroker.app.compose import OWN_OPTIONS
from floorbroker.app.config import PAPER, Config, ProfileSection, config_of, profile_in
from floorbroker.app.credentials import environment_of, lines_of
from floorbroker.app.sources import Gathered
from floorbroker.app.written import with_profile
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import ConfigInvalid, FieldError, InvalidRequest, NotFound
from floorbroker.domain.ports import Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment

Kept = Literal["vault", "keyring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProfile:
    """A profile that is to be made.  `fields` are sealed ones; live stays off until its limits are set."""

    name: str
    broker: str
    environment: Environment
    host: str = ""
    url: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    enabled: bool = True
    credentials: Kept = "vault"
    fields: Mapping[str, Secret] = field(default_factory=dict[str, Secret])


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to become of a profile; None leaves a member as it is, an empty text takes it out."""

    host: str | None = None
    url: str | None = None
    enabled: bool | None = None
    credentials: Kept | None = None
    options: Mapping[str, str] = field(default_factory=dict[str, str])


# -- what is right ------------------------------------------------------------------------------------------------------------


def section_of(new: NewProfile) -> ProfileSection:
    return ProfileSection(
        broker=new.broker.upper(),
        environment=new.environment.value,
        kind=kind_of(new.broker.upper()),
        enabled=new.enabled,
        host=new.host,
        url=new.url,
        credentials=new.credentials,
        options=dict(new.options),
    )


def checked(new: NewProfile, section: ProfileSection) -> Profile:
    """The profile, when everything about it is right.  Raises `ConfigInvalid` and `InvalidRequest`."""
    profile = profile_in(new.name, section)
    check_place(profile, section)
    check_fields(profile, info_of(profile), new.fields, _plain(section), complete=True)
    return profile


def check_place(profile: Profile, section: ProfileSection) -> None:
    info = info_of(profile)
    if profile.environment not in info.environments:
        there = ", ".join(environment.value for environment in info.environments)
        _refuse("/environment", f"{info.name} has no environment {profile.environment.value}; it has {there}")
    if section.url and (found := environment_of(section.url, info)) is not profile.environment:
        _refuse("/url", f"that URL is of environment {found.value}, the profile is of {profile.environment.value}")
    own = {name: text for name, text in profile.options.items() if name not in OWN_OPTIONS}
    check_profile_options(profile.broker, own)
    if section.kind != kind_of(profile.broker):
        _refuse("/kind", f"a profile of {info.name} is of kind {kind_of(profile.broker)}")


def check_fields(
    profile: Profile, info: BrokerInfo, fields: Mapping[str, Secret], plain: Mapping[str, str], *, complete: bool
) -> None:
    form = info.form(profile.environment)
    given = {name: secret.reveal() for name, secret in fields.items()} | dict(plain)
    wrong = dict(form.wrong(given))
    if complete:
        for asked in form.missing(given):
            wrong[asked.name] = f"{info.name} needs it: {asked.label}"
    if wrong:
        told = tuple(FieldError(pointer=f"/fields/{n}", code="not_valid", detail=f"{n}: {d}") for n, d in wrong.items())
        raise InvalidRequest(told[0].detail, fields=told)


def _plain(section: ProfileSection) -> dict[str, str]:
    given = {"BROKER_HOST": section.host, "BROKER_URL": section.url}
    return {name: text for name, text in given.items() if text}


def info_of(profile: Profile) -> BrokerInfo:
    if profile.broker not in KNOWN:
        _refuse("/broker", f"broker {profile.broker!r} is not one of {', '.join(sorted(KNOWN))}")
    return KNOWN[profile.broker]


def _refuse(pointer: str, detail: str) -> NoReturn:
    raise InvalidRequest(detail, fields=(FieldError(pointer=pointer, code="not_valid", detail=detail),))


def written_of(config: Config, name: str) -> ProfileSection:
    if name not in config.profiles:
        raise NotFound(f"no profile {name!r} in floorbroker.toml; there are: {', '.join(config.profiles) or 'none'}")
    return config.profiles[name]


# -- what is written ----------------------------------------------------------------------------------------------------------


def members_of(new: NewProfile, *, enabled: bool) -> dict[str, object]:
    """What the section says: nothing that goes without saying."""
    members: dict[str, object] = {"broker": new.broker.upper(), "environment": new.environment.value}
    if kind_of(new.broker.upper()) == DATA:
        members["kind"] = DATA
    said = {"host": new.host, "url": new.url, "options": dict(new.options)}
    members |= {name: value for name, value in said.items() if value}
    if not enabled:
        members["enabled"] = False
    if new.credentials != "vault":
        members["credentials"] = new.credentials
    return members


def with_paper(text: str, config: Config, new: NewProfile) -> str:
    """The embedded profile serves while none is configured; the first that is must not make its orders vanish."""
    if config.profiles or new.name == PAPER or kind_of(new.broker.upper()) == DATA:
        return text
    return with_profile(text, PAPER, {"broker": "PAPER", "environment": Environment.PAPER.value})


def unlimited(text: str, file: Path, new: NewProfile) -> str:
    """Why a live profile cannot be on yet: the limits it lacks."""
    if new.environment is not Environment.LIVE or kind_of(new.broker.upper()) == DATA:
        return ""
    try:
        config_of(text, file)
    except ConfigInvalid as error:
        return error.detail
    return ""


def env_text(profile: Profile, info: BrokerInfo, given: Gathered) -> str:
    """The profile as a `.env_bot` that a desk reads back to the same.  Raises `ConfigInvalid` for what it cannot hold."""
    values = {name: text for name, text in given.plain.items() if text}
    values |= {name: secret.reveal() for name, secret in given.secrets.items()}
    if profile.environment is Environment.LIVE:
        live = next((origin for origin, of in info.hosts.items() if of is Environment.LIVE), "")
        values = {"BROKER_URL": live, **values, "BROKER_PLAINTEXT_OK": "1"}
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    read = dict(lines_of(text, profile.name))
    for name, value in values.items():
        if read.get(name) != value:
            raise ConfigInvalid(f"{name}: such a value cannot stand in .env_bot: it holds quotes, spaces or a comment")
    return text
