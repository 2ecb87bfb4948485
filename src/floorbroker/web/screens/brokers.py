"""The brokers: how each profile does and why, what a broker can do, and the form that connects one or a provider of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floorbroker.app.catalogue import DATA, KNOWN, Kind, kind_of
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
    environment: Environment
    info: BrokerInfo | None
    status: ProfileStatus | None = None
    stored: Listed | None = None

    @property
    def is_data(self) -> bool:
        """Whether it is of a provider: prices come from there, and no order goes there."""
        return self.info is not None and kind_of(self.info.code) == DATA


async def build(ask: Ask) -> Mapping[str, Any]:
    """Profiles of the environment and of those without a desk; and the form of the broker and place that the address names."""
    stored, trouble = stored_of(ask)
    known = {info.code: info for info in ask.brokers}
    for status in ask.statuses:
        info = ask.desk.broker_info(status.profile.name)
        known.setdefault(info.code, info)
    anew = next((one for one in stored if one.name == ask.params.get("rotate")), None)
    place = place_of(ask) if anew is None else anew.environment
    chosen = known.get(anew.broker if anew is not None else ask.params.get("broker", ""))
    return {
        "rotating": anew,
        "shown": profiles_of(ask, stored, known),
        "trouble": trouble,
        "can_store": ask.stored is not None,
        "vault": (vault := vault_of(ask)),
        "kept": sealed_in(vault),
        "kinds": kinds_of(known, place),
        "places": [environment for environment in Environment if environment in ask.sees],
        "place": place,
        "chosen": chosen if chosen is None or place in chosen.environments else None,
        "elsewhere": chosen if chosen is not None and place not in chosen.environments else None,
        "asked": asked_of(chosen, place) if chosen is not None else (),
        "sealed": SEALED,
    }


def place_of(ask: Ask) -> Environment:
    """Where a new profile would be: what the address says, else the environment that is shown."""
    named = ask.params.get("for", "")
    return next((environment for environment in ask.sees if environment.value == named), ask.environment)


def kinds_of(known: Mapping[str, BrokerInfo], place: Environment) -> dict[Kind, list[BrokerInfo]]:
    """Brokers and providers of data that there are in an environment, each in the order of the alphabet."""
    found: dict[Kind, list[BrokerInfo]] = {"trade": [], "data": []}
    for info in sorted(known.values(), key=lambda one: one.code):
        if place in info.environments:
            found[kind_of(info.code)].append(info)
    return found


def vault_of(ask: Ask) -> VaultStatus | None:
    """Where the secrets of profiles are sealed; None where this page stores none."""
    return None if ask.stored is None else ask.stored.unlocking.status()


def sealed_in(vault: VaultStatus | None) -> int:
    """How many profiles have a record in it; other things are entrusted to it, too."""
    return 0 if vault is None or vault.seen is None else sum(r.broker in KNOWN for r in vault.seen.records)


def stored_of(ask: Ask) -> tuple[list[Listed], str]:
    """What is written down of this environment and of those that have no desk, and what hinders reading it."""
    if ask.stored is None:
        return [], ""
    try:
        found = ask.stored.listed()
    except ConfigInvalid as error:
        return [], error.detail
    here = {ask.environment, *(ask.sees - set(ask.running))}
    return [one for one in found if one.environment in here and ask.profile in {None, one.name}], ""


def profiles_of(ask: Ask, stored: Sequence[Listed], known: Mapping[str, BrokerInfo]) -> list[ShownProfile]:
    """Those that run first; then those that are only written down."""
    written = {one.name: one for one in stored}
    running = [
        ShownProfile(
            name=status.profile.name,
            environment=ask.environment,
            info=ask.desk.broker_info(status.profile.name),
            status=status,
            stored=written.pop(status.profile.name, None),
        )
        for status in ask.statuses
    ]
    resting = [
        ShownProfile(name=one.name, environment=one.environment, info=known.get(one.broker), stored=one)
        for one in written.values()
    ]
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
