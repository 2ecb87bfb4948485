"""Providers of history as profiles of kind `data`: built from what a profile gives, and tried."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker.app.floor import Outside
from floorbroker.app.home import Home
from floorbroker.app.meters import AccountLog, AccountMeter
from floorbroker.app.sources import Gathered
from floorbroker.domain.errors import ConfigInvalid, FloorbrokerError
from floorbroker.domain.ports import Profile
from floorbroker.domain.records import Check, SelfCheck
from floorbroker.marketdata.history import HistorySource
from floorbroker.marketdata.providers import polygon, yahoo
from floorbroker.marketdata.providers.outfit import Outfit
from floorbroker.marketdata.providers.polygon.adapter import Polygon
from floorbroker.transport.layers.audit import Exchange

Tap = Callable[[Exchange], None]
_KEY = "BROKER_API_KEY"


def unrecorded(exchange: Exchange) -> None:
    """Reading history is no order command: what is asked for stands in the provenance of what came."""
    del exchange


def outfit_of(profile: Profile, given: Gathered, outside: Outside, *, tap: Tap = unrecorded) -> Outfit:
    """What a provider is built from; made and used inside one running loop."""
    shells, key = outside.network(profile.environment), given.secrets.get(_KEY)
    if key is not None:
        outside.redactor.learn(key.reveal())
    return Outfit(
        environment=profile.environment, http=shells.http(), connect=shells.connect, clock=outside.clock,
        random=outside.random, log=AccountLog(outside.log, profile.name),
        meter=AccountMeter.of(profile, outside.meter), redactor=outside.redactor, tap=tap,
        url=given.plain.get("BROKER_URL", ""), key=key, options=profile.options,
    )  # fmt: skip


def build_provider(code: str, outfit: Outfit, home: Home) -> HistorySource:
    """Raises `ConfigInvalid` for a code that is no provider, and for what it cannot be built from."""
    if code == polygon.INFO.code:
        return polygon.build(outfit)
    if code == yahoo.INFO.code:
        return yahoo.build(outfit, folder=home.data / "yahoo")
    raise ConfigInvalid(f"{code} is no provider of history")


async def self_check(code: str, outfit: Outfit, home: Home) -> SelfCheck:
    """One cheap read where there is a key to be tried."""
    source = build_provider(code, outfit, home)
    try:
        if isinstance(source, Polygon):
            await source.ticker("AAPL")
    except FloorbrokerError as error:
        reached = error.code not in {"connection_failed", "timeout"}
        name = "credentials" if reached else "connectivity"
        return SelfCheck(checks=(Check(name=name, ok=False, detail=error.detail),))
    finally:
        await source.close()
    return SelfCheck(checks=(Check(name="credentials", ok=True, detail="it answers"),))
