"""The brokerage session inside the gateway's log-in: opened, kept alive, and told of when it is lost.

    tickle -> authenticated                          it stands
    tickle -> connected, not authenticated           POST ssodh/init, and look again
    tickle -> competing                              a log-in elsewhere has it: said, and taken back only where the profile
                                                     says so, three times an hour at most
    401                                              the log-in itself is gone: a person logs in on the gateway's page

Each new session is asked for its accounts, since the venue refuses orders before; the account of the profile must be one of
them.  Document: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, sessions and /iserver/accounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.auth import Standing, Takeovers, standing_of
from floorbroker.brokers.ibkr_web.errors import LOGIN, error_text
from floorbroker.brokers.ibkr_web.mapping.values import BROKER
from floorbroker.brokers.ibkr_web.rest import answers
from floorbroker.brokers.ibkr_web.rest.asking import Asking
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigInvalid,
    FloorbrokerError,
    Outcome,
    SessionExpired,
)
from floorbroker.domain.ports import Log
from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Request, Response, Transport

_OVER = ("no bridge", "accounts first")
TICKLE_S = 60.0
_ENDS = (SessionExpired, AuthenticationFailed, ConfigInvalid)
_FRESH_S = 2.0
_LOOKS = 5  # after a session was opened, until it says that it is
_LOOK_S = 1.0
TAKEN = "a log-in elsewhere (TWS, a phone, another gateway) has the brokerage session of this user name"


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that stands.  `number` grows with each new one, and `token` is the WebSocket's."""

    number: int
    account: str
    is_paper: bool | None
    has_fractions: bool
    token: Secret


class Brokerage(Asking):
    """The session of one profile; safe to ask at the same time.  `account` tells which one it trades; empty where nobody said."""

    def __init__(
        self,
        reads: Transport,
        calls: Calls,
        *,
        clock: Clock,
        log: Log,
        account: Callable[[], str],
        compete: bool,
        learn: Callable[[str], None],
    ) -> None:
        super().__init__(reads)
        self._calls = calls
        self._clock = clock
        self._log = log
        self._wanted = account
        self._takeovers = Takeovers(allowed=compete)
        self._learn = learn
        self._lock = asyncio.Lock()
        self._opened: Opened | None = None
        self._number = 0
        self._looked_s = 0.0
        self._account: str | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.trouble = ""

    @property
    def opened(self) -> Opened | None:
        """The session, as far as is known."""
        return self._opened

    @property
    def account(self) -> str:
        """The account in use, remembered while the session is lost.  Raises `SessionExpired` before there was one."""
        if self._account is None:
            detail = self.trouble or "there is no brokerage session yet"
            raise SessionExpired(detail, broker=BROKER, outcome=Outcome.NOT_SENT, hint=LOGIN)
        return self._account

    def account_in_use(self) -> str | None:
        """The account that rows are believed of; None before there was a session."""
        return self._account

    async def ensure(self, *, within_s: float = _FRESH_S) -> Opened:
        """Look, unless that was done a moment ago, and open the session where it is lost.  Raises what is the matter."""
        async with self._lock:
            if self._opened is not None and self._clock.monotonic() - self._looked_s < within_s:
                return self._opened
            try:
                opened = await self._ensured()
            except _ENDS as error:  # a request that failed on its way says nothing of the session
                self._lose(error.detail)
                raise
            self._opened, self._account, self.trouble = opened, opened.account, ""
            self._looked_s = self._clock.monotonic()
            return opened

    def lost(self, reason: str) -> None:
        """The stream says that the session is gone."""
        self._lose(reason)

    def start(self) -> None:
        """Keep it alive from now on."""
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep(), name=f"{BROKER} session")

    async def close(self) -> None:
        """Keep it alive no more.  The gateway stays logged in: others may use it."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        self._opened = None

    async def _keep(self) -> None:
        """Once a minute.  What goes wrong is kept as `trouble`; the next minute tries again."""
        while True:
            await self._clock.sleep(TICKLE_S)
            try:
                await self.ensure(within_s=0.0)
            except FloorbrokerError as error:
                self._log.warning("session.trouble", code=error.code)

    def _lose(self, reason: str) -> None:
        self._opened, self.trouble = None, reason

    async def _ensured(self) -> Opened:
        told = await self._tickle()
        standing = standing_of(told.iserver.authStatus if told.iserver else None)
        if standing is not Standing.OPEN:
            await self._open(standing)
            told = await self._tickle()
        if not told.session:
            raise ApiError("the tickle tells no session", broker=BROKER)
        known = self._opened
        if known is not None and standing is Standing.OPEN and known.token.reveal() == told.session:
            return known
        self._learn(told.session)
        return await self._introduce(Secret(told.session))

    async def _tickle(self) -> wire.Tickle:
        return await self._ask(self._calls.tickle(), wire.Tickle, what="the tickle")

    async def _open(self, standing: Standing) -> None:
        now_s = self._clock.monotonic()
        self._opened = None  # whatever becomes of the answer, the next session has to be introduced
        compete = standing is Standing.TAKEN
        if compete:
            if not self._takeovers.may(now_s):
                raise SessionExpired(TAKEN, broker=BROKER)
            self._takeovers.count(now_s)
            self._log.warning("session.taken_back")
        await self._ask(self._calls.open_session(compete=compete), wire.AuthStatus, what="the opening of the session")
        for look in range(_LOOKS):
            if look:
                await self._clock.sleep(_LOOK_S)
            status = await self._ask(self._calls.auth_status(), wire.AuthStatus, what="the session")
            standing = standing_of(status)
            if standing is Standing.OPEN:
                return
        raise SessionExpired(
            TAKEN if standing is Standing.TAKEN else "the gateway opens no brokerage session: log in on its page",
            broker=BROKER,
            hint=LOGIN,
        )

    async def _introduce(self, token: Secret) -> Opened:
        """Ask for the accounts of both halves, and choose ours: before that there are neither orders nor a portfolio."""
        told = await self._ask(self._calls.accounts(), wire.Accounts, what="the accounts")
        account = self._choose([name for name in told.accounts or [] if name != "All"])
        if self._account not in (None, account):
            raise ConfigInvalid(
                "somebody logged the gateway in to another account: log in to the one that the desk began with"
            )
        if told.selectedAccount not in (None, account):
            await self._ask(self._calls.switch(account), wire.AccountSet, what="the change of account")
        self._account = account  # from here on cancels pass, however long the other half is waited for
        response = await self._reads.send(self._calls.portfolio_accounts())
        if response.status != 200:
            answers.answer(response, wire.ErrorBody, what="the portfolio")
        props = (told.acctProps or {}).get(account)
        self._number += 1
        return Opened(
            number=self._number,
            account=account,
            is_paper=told.isPaper,
            has_fractions=bool(props and props.supportsFractions),
            token=token,
        )

    def _choose(self, accounts: list[str]) -> str:
        if wanted := self._wanted():
            if wanted not in accounts:
                raise ConfigInvalid("BROKER_ACCOUNT_NUMBER is no account of the gateway's log-in")
            return wanted
        if len(accounts) != 1:
            raise ConfigInvalid(f"the log-in has {len(accounts)} accounts: name one in BROKER_ACCOUNT_NUMBER")
        return accounts[0]


class Minding:
    """A `Transport` whose answers tell of the session as well: one that is gone, or new, is looked into by the next question."""

    def __init__(self, inner: Transport, brokerage: Brokerage) -> None:
        self._inner = inner
        self._brokerage = brokerage

    async def send(self, request: Request) -> Response:
        """What came back, as it is."""
        response = await self._inner.send(request)
        if response.status == 400 and (text := error_text(response)) and any(words in text.lower() for words in _OVER):
            self._brokerage.lost("the venue says that there is no session, or a new one")
        return response
