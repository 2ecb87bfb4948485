"""The steps behind `user` and `token`: the way to what changes people, and how their words come in.

Every act goes through the REST door: that of the server of this home, else the same routes inside this process, over `desk.db`.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from floorbroker.cli.failures import usage
from floorbroker.cli.passphrases import FROM, Given
from floorbroker.cli.settings import Settings
from floorbroker.client.desk import API
from floorbroker.client.door import Door, Method

if TYPE_CHECKING:
    from fastapi import FastAPI

    from floorbroker.app.home import Home
    from floorbroker.domain.secret import Secret

T = TypeVar("T")


def on_people(settings: Settings, work: Callable[[Door], Awaitable[T]]) -> T:
    """Do some work at a door that changes people.  Raises `Trouble` for everything that can be explained."""
    from floorbroker.cli.reach import run

    async def whole() -> T:
        async with _reached(settings) as door:
            return await work(door)

    return run(settings, whole)


def ask(settings: Settings, method: Method, path: str, body: object = None) -> Any:
    """One request below `/api/v1`; None where nothing comes back."""

    async def work(door: Door) -> Any:
        answer = await door.call(method, f"{API}{path}", body=body, timeout_s=settings.timeout_s)
        return None if answer.status == 204 else answer.json()

    return on_people(settings, work)


@asynccontextmanager
async def _reached(settings: Settings) -> AsyncGenerator[Door]:
    from floorbroker.cli.reach import door_inside, server_of

    home = settings.open_home()
    async with AsyncExitStack() as stack:
        if (server := await server_of(stack, home, settings)) is not None:
            yield server
            return
        token = secrets.token_urlsafe(32)
        yield await door_inside(stack, await _app(stack, home, token, settings), token, settings)


async def _app(stack: AsyncExitStack, home: Home, token: str, settings: Settings) -> FastAPI:
    from floorbroker import __version__
    from floorbroker.api import create_app
    from floorbroker.api.auth import HashedToken, token_digest
    from floorbroker.app.acts import Acts
    from floorbroker.app.home import known_token, renewed_token
    from floorbroker.app.people import People
    from floorbroker.app.trail import Trail
    from floorbroker.store.desk import DeskDatabase

    outside = settings.outside()
    store = DeskDatabase(home.desk)
    stack.push_async_callback(store.close)
    acts = Acts(home=home, clock=outside.clock)
    trail = Trail(journals={}, clock=outside.clock, log=outside.log)
    people = await People.open(store, acts=acts, trail=trail, clock=outside.clock)

    def spent() -> None:
        """What a server printed opens nothing any more."""
        if known_token(home) is not None:
            renewed_token(home)

    people.on_first.append(spent)
    return create_app(
        desks={},
        token=HashedToken(token_digest(token)),
        clock=outside.clock,
        version=__version__,
        redactor=settings.redactor,
        people=people,
    )


# -- what people type -----------------------------------------------------------------------------------------------------


def new_password(settings: Settings, given: Given) -> Secret:
    """A password as said, or asked for twice.  Raises a usage error where nobody can answer."""
    if (said := given.read()) is not None:
        return said
    first = hidden(settings, "New password (15 signs or more)")
    if hidden(settings, "The same again") != first:
        raise usage("the two passwords are not the same: nothing was changed")
    return first


def hidden(settings: Settings, question: str) -> Secret:
    """A hidden answer.  Raises a usage error where nobody is there to give it."""
    from floorbroker.domain.secret import Secret

    if not settings.may_ask:
        raise usage("a password is needed", fix=Given(option=FROM).ways)
    return Secret(typer.prompt(question, hide_input=True, err=True))


def picture_of(uri: str) -> str:
    """The second factor as a picture of block characters, for an authenticator's camera."""
    import io

    import segno

    out = io.StringIO()
    segno.make(uri).terminal(out, compact=True)
    return out.getvalue()
