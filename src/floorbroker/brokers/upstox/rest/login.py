"""A person's log-in: the page of the venue, and the code it leads back with for the token of the day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from floorbroker.brokers.upstox.auth import dialog_url
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.brokers.upstox.rest import answers
from floorbroker.brokers.upstox.rest.calls import Calls
from floorbroker.domain.errors import AuthenticationFailed, InvalidRequest
from floorbroker.domain.ports import Redactor
from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Transport

TOKEN_FIELD = "BROKER_PASSWORD"  # noqa: S105 - the name of a field
_CODE_MAX = 256


class UpstoxLogIn:
    """The `LogIn` of one application.  `user_id` tells whose token it has to be; empty takes anybody's."""

    def __init__(
        self,
        transport: Transport,
        calls: Calls,
        *,
        client_id: Secret,
        client_secret: Secret,
        redirect_uri: str,
        user_id: Callable[[], str],
        redactor: Redactor,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._transport = transport
        self._calls = calls
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._user_id = user_id
        self._redactor = redactor
        self._close = close

    def page(self, state: str) -> str:
        """With the application's key in it, which its page shows to everybody."""
        return dialog_url(
            self._calls.origins.api,
            client_id=self._client_id.reveal(),
            redirect_uri=self._redirect_uri,
            state=state,
        )

    async def exchange(self, code: str) -> Mapping[str, Secret]:
        """Raises `InvalidRequest` for what is no code, `AuthenticationFailed` for one of somebody else, or of no use any more."""
        if not code or len(code) > _CODE_MAX or not code.isascii() or not code.isprintable():
            raise InvalidRequest("the code is what stands behind code= in the address that the page led back to")
        self._redactor.learn(code)
        request = self._calls.token(
            code=code,
            client_id=self._client_id.reveal(),
            client_secret=self._client_secret.reveal(),
            redirect_uri=self._redirect_uri,
        )
        found = answers.token_in(await self._transport.send(request))
        self._redactor.learn(found.access_token)
        if (wanted := self._user_id()) and found.user_id != wanted:
            raise AuthenticationFailed("somebody else logged in than the user of the profile", broker=BROKER)
        return {TOKEN_FIELD: Secret(found.access_token)}

    async def close(self) -> None:
        """Close the connection."""
        await self._close()
