"""The hushing layer: what a venue says in a refusal is cleaned before anybody reads it, since its words go on into errors.

A reply that succeeded is data and stays as it is; its texts are cleaned when they become durable.
"""

from __future__ import annotations

from dataclasses import replace

from floorbroker.domain.ports import Redactor
from floorbroker.transport.types import Request, Response, Transport

_REFUSED = 400
_TEXT = ("utf-8", "surrogateescape")


class Hush:
    """Stands around the audit, so that the audit sees what crossed the wire."""

    def __init__(self, inner: Transport, *, redactor: Redactor) -> None:
        self._inner = inner
        self._redactor = redactor

    async def send(self, request: Request) -> Response:
        response = await self._inner.send(request)
        if response.status < _REFUSED or not response.body:
            return response
        text = response.body.decode(*_TEXT)
        cleaned = self._redactor.clean(text)
        return response if cleaned == text else replace(response, body=cleaned.encode(*_TEXT))
