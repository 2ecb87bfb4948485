"""Who tells history, by one word: `recording`, `seeded`, `yahoo`, or a profile of a provider or a broker with bars."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from floorbroker.app.catalogue import DATA, KNOWN, kind_of
from floorbroker.app.config import load
from floorbroker.app.floor import Outside
from floorbroker.app.profiles import Profiles
from floorbroker.app.providers import build_provider, outfit_of, unrecorded
from floorbroker.app.sources import Gathered
from floorbroker.app.trial import Trial
from floorbroker.domain.errors import ConfigInvalid, FieldError, InvalidRequest, NotFound
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.marketdata.history import HistorySource
from floorbroker.marketdata.providers.recording import RecordedHistory
from floorbroker.marketdata.providers.venue import VenueHistory
from floorbroker.research.seeded import SeededSectors
from floorbroker.tape import NotRecorded
from floorbroker.tape import load as load_tape

RECORDING, SEEDED, YAHOO = "recording", "seeded", "yahoo"
LOCAL = frozenset({RECORDING, SEEDED})  # nothing is fetched, so nothing is kept


@asynccontextmanager
async def history_of(
    word: str, *, here: Profiles, outside: Outside, data: Path | None, seed: int = 0
) -> AsyncGenerator[HistorySource]:
    """The source, closed in the end.  `data` is the folder of recorded days, `seed` that of the seeded market.

    Raises `NotFound` for a word that is no source, and `ConfigInvalid` where something it needs is missing.
    """
    if word in LOCAL:
        yield recording(data) if word == RECORDING else SeededSectors(seed)
        return
    profile, given = await _given(word, here)
    if profile.broker not in KNOWN:
        raise ConfigInvalid(f"profile {profile.name}: {profile.broker} is no broker and no provider")
    if kind_of(profile.broker) == DATA:
        source = build_provider(profile.broker, outfit_of(profile, given, outside), here.home)
        try:
            yield source
        finally:
            await source.close()
        return
    broker = Trial(here.home, outside).broker(profile, given, unrecorded)
    try:
        yield VenueHistory(broker)
    finally:
        await broker.disconnect()


async def _given(word: str, here: Profiles) -> tuple[Profile, Gathered]:
    if word in load(here.home, path=here.path).profiles:
        return await here.given(word)
    if word == YAHOO:
        return Profile(name=ProfileName(YAHOO), broker="YAHOO", environment=Environment.LIVE), Gathered()
    raise NotFound(f"no source {word!r}: say {RECORDING}, {SEEDED}, {YAHOO}, or the name of a profile")


def recording(data: Path | None) -> RecordedHistory:
    """Raises `ConfigInvalid` without a folder, and `InvalidRequest` for one that is none."""
    if data is None:
        raise ConfigInvalid("the source recording needs a folder of recorded days: --data DIR, or FLOORBROKER_DATA")
    try:
        return RecordedHistory(load_tape(data))
    except NotRecorded as error:
        detail = f"--data {data}: {error}"
        raise InvalidRequest(detail, fields=(FieldError(pointer="/data", code="not_found", detail=detail),)) from error
