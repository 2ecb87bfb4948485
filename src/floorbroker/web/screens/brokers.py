"""The brokers: how each profile does and why, what a broker can do, and the form that connects one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floorbroker.app.profiles import Listed
from floorbroker.app.unlocking import VaultStatus
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import SEALED, CredentialField
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import ProfileStatus
from floorbroker.web.frame import Ask, Screen


@frozen
class ShownProfile:
    """A profile as it runs, as it is stored, or both."""

    name: str
    info: BrokerInfo | None
    status: ProfileStatus | None = None
    stored: Listed | None = None


async def build(ask: Ask) -> Mapping[str, Any]:
    """Profiles of the environment, and the form of the broker that the address names."""
    stored, trouble = stored_of(ask)
    known = {info.code: info for info in ask.brokers}
    for status in ask.statuses:
        info = ask.desk.broker_info(status.profile.name)
        known.setdefault(info.code, info)
    here = [info for info in known.values() if ask.environment in info.environments]
    anew = next((one for one in stored if one.name == ask.params.get("rotate")), None)
    chosen = known.get(anew.broker if anew is not None else ask.params.get("broker", ""))
    return {
        "rotating": anew,
        "shown": profiles_of(ask, stored, known),
        "trouble": trouble,
        "can_store": ask.stored is not None,
        "vault": vault_of(ask),
        "known": sorted(here, key=lambda info: info.code),
        "chosen": chosen,
        "asked": asked_of(chosen, ask.environment) if chosen is not None else (),
        "sealed": SEALED,
    }


def vault_of(ask: Ask) -> VaultStatus | None:
    """Where the secrets of profiles are sealed; None where this page stores none."""
    return None if ask.stored is None else ask.stored.unlocking.status()


def stored_of(ask: Ask) -> tuple[list[Listed], str]:
    """What is written down of this environment, and what hinders reading it."""
    if ask.stored is None:
        return [], ""
    try:
        found = ask.stored.listed()
    except ConfigInvalid as error:
        return [], error.detail
    return [one for one in found if one.environment is ask.environment and ask.profile in {None, one.name}], ""


def profiles_of(ask: Ask, stored: Sequence[Listed], known: Mapping[str, BrokerInfo]) -> list[ShownProfile]:
    """Those that run first; then those that are only written down."""
    written = {one.name: one for one in stored}
    running = [
        ShownProfile(
            name=status.profile.name,
            info=ask.desk.broker_info(status.profile.name),
            status=status,
            stored=written.pop(status.profile.name, None),
        )
        for status in ask.statuses
    ]
    resting = [ShownProfile(name=one.name, info=known.get(one.broker), stored=one) for one in written.values()]
    return [*running, *resting]


def asked_of(info: BrokerInfo, environment: Environment) -> tuple[CredentialField, ...]:
    """The broker's own fields, for one environment."""
    return info.form(environment).asked


BROKERS = Screen(
    path="/brokers",
    title="Brokers",
    template="brokers.html",
    build=build,
    live=("health", "risk"),
    scripts=("brokers.js",),
)
