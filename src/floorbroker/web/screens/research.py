"""Research: the newest report of sectors, outliers and ranking that this home keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floorbroker.app.studies import MAKES
from floorbroker.domain.errors import ConfigInvalid, NotFound
from floorbroker.web.frame import Ask, Screen

ROWS = 50
SHOWN = ("sectors", "outliers", "ranking")


async def research(ask: Ask) -> Mapping[str, Any]:
    """Each report by its name, with None for one that nobody made and what is wrong with one that cannot be read."""
    found: dict[str, Any] = dict.fromkeys(SHOWN)
    troubles: list[str] = []
    if ask.studies is not None:
        for name in SHOWN:
            try:
                found[name] = await ask.studies.report(name)
            except NotFound:
                continue  # the page says how to make one
            except ConfigInvalid as error:
                troubles.append(error.detail)
    return {"found": found, "makes": MAKES, "troubles": troubles, "most": ROWS}


RESEARCH = Screen(path="/research", title="Research", template="research.html", build=research)
