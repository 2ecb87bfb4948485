"""Who tells history, by one word: `recording`, `yahoo`, or a profile, be it of a provider or of a broker with bars of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from floorbroker.app.catalogue import DATA, KNOWN, kind_of
from floorbroker.app.config import load
from floorbroker.app.floor import Outside
from floorbroker.app.home import Home
from floorbroker.app.profiles import Profiles
from floorbroker.app.providers import build_provider, outfit_of, unrecorded
from floorbroker.app.sources import Gathered
from floorbroker.app.trial import Trial
from floorbroker.app.unlocking import Unlocking
from floorbroker.domain.errors import ConfigInvalid, NotFound
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.marketdata.history import HistorySource
from floorbroker.marketdata.providers.recording import RecordedHistory
from floorbroker.marketdata.providers.venue import VenueHistory
from floorbroker.tape import NotRecorded
from floorbroker.tape import load as load_tape

RECORDING, YAHOO = "recording", "yahoo"


@asynccontextmanager
async def history_of(
    word: str, *, home: Home, outside: Outside, unlocking: Unlocking, data: Path | None, path: Path | None = None
) -> AsyncGenerator[HistorySource]:
    """The source, closed in the end.  `data` is the folder of recorded days.

    Raises `NotFound` for a word that is no source, and `ConfigInvalid` where something it needs is missing.
    """
    if word == RECORDING:
        yield recording(data)
        return
    profiles = Profiles.of(home, unlocking, outside, path=path)
    if word not in load(home, path=path).profiles:
        if word != YAHOO:
            raise NotFound(f"no source {word!r}: say {RECORDING}, {YAHOO}, or the name of a profile")
        profile, given = Profile(name=ProfileName(YAHOO), broker="YAHOO", environment=Environment.LIVE), Gathered()
    else:
        profile, given = await profiles.given(word)
    if profile.broker not in KNOWN:
        raise ConfigInvalid(f"profile {profile.name}: {profile.broker} is no broker and no provider")
    if kind_of(profile.broker) == DATA:
        source = build_provider(profile.broker, outfit_of(profile, given, outside), home)
        try:
            yield source
        finally:
            await source.close()
        return
    broker = Trial(home, outside).broker(profile, given, unrecorded)
    try:
        yield VenueHistory(broker)
    finally:
        await broker.disconnect()


def recording(data: Path | None) -> RecordedHistory:
    """Raises `ConfigInvalid` without a folder."""
    if data is None:
        raise ConfigInvalid("the source recording needs a folder of recorded days: --data DIR, or FLOORBROKER_DATA")
    try:
        return RecordedHistory(load_tape(data))
    except NotRecorded as error:
        raise ConfigInvalid(f"--data {data}: {error}") from error
