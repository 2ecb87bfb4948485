"""Frames of the stream's clients.  https://massive.com/docs/websocket/quickstart"""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=65_536)]


class Action(msgspec.Struct, frozen=True):
    """`auth` with the key, `subscribe` and `unsubscribe` with topics between commas."""

    action: Text
    params: Text = ""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the service says of a connection."""

    ev: str = "status"
    status: str
    message: str
