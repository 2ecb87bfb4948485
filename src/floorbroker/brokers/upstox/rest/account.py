"""What can be asked about the account: money, what is held, and what an order would take."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER, Options
from floorbroker.brokers.upstox.mapping import account as accounts
from floorbroker.brokers.upstox.mapping.orders import SIDES, check_words
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.rest.calls import Calls
from floorbroker.brokers.upstox.rest.reads import Reads
from floorbroker.domain.errors import AuthenticationFailed
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Account, Balance, MarginRequirement, Position
from floorbroker.domain.values import Price, text_of

_JSON = msgspec.json.Encoder(decimal_format="number")


class AccountReads:
    """One account, asked.  `user_id` tells whose it has to be; where nobody said, it is that of the first token."""

    def __init__(
        self, reads: Reads, calls: Calls, symbols: Symbols, options: Options, *, user_id: Callable[[], str]
    ) -> None:
        self._reads = reads
        self._calls = calls
        self._symbols = symbols
        self._options = options
        self._user_id = user_id
        self._began_as = ""

    async def proven(self) -> wire.Profile:
        """Whose token it is.  Raises `AuthenticationFailed` for one of somebody else: people log in anew every day."""
        profile = await self._reads.ask(self._calls.profile(), wire.Profile, what="the profile")
        if (wanted := self._user_id()) and profile.user_id != wanted:
            raise AuthenticationFailed(
                "the access token is another user's: log in as the one of the profile", broker=BROKER
            )
        if self._began_as not in ("", profile.user_id):
            raise AuthenticationFailed(
                "the access token is another user's: log in as the one that the desk began with", broker=BROKER
            )
        self._began_as = profile.user_id
        return profile

    async def account(self) -> Account:
        """Profile, funds and what is held.  Raises `AuthenticationFailed` for a token of somebody else."""
        profile = await self.proven()
        funds, (day, holdings) = await self._funds(), await self._held()
        equity = accounts.equity_of(funds, day, holdings)
        return accounts.account_from(profile, funds, equity, is_intraday=self._options.product == "I")

    async def balance(self) -> Balance:
        """Rupees."""
        return accounts.balance_from(await self._funds())

    async def _funds(self) -> wire.Funds:
        return await self._reads.ask(self._calls.funds(), wire.Funds, what="the funds")

    async def positions(self) -> tuple[Position, ...]:
        """Holdings and the day's positions, of each symbol together."""
        day, holdings = await self._held()
        return accounts.positions_from(day, holdings, self._symbols)

    async def _held(self) -> tuple[list[wire.Position], list[wire.Holding]]:
        day: list[wire.Position] = await self._reads.ask(
            self._calls.positions(), list[wire.Position], what="the positions"
        )
        holdings: list[wire.Holding] = await self._reads.ask(
            self._calls.holdings(), list[wire.Holding], what="the holdings"
        )
        return day, holdings

    async def margin(self, order: NewOrder, *, price: Price) -> MarginRequirement:
        """What the venue says an order would bind and cost; nothing is placed."""
        check_words(order)
        key, quantity, side = self._symbols.of(order.symbol).key, int(order.order_qty or 0), SIDES[order.side]
        asked = {
            "instrument_key": key,
            "quantity": quantity,
            "product": self._options.product,
            "transaction_type": side,
            "price": price,
        }
        body = _JSON.encode({"instruments": [asked]})
        margins = await self._reads.ask(self._calls.margin(body), wire.Margins, what="the margin")
        charged = self._calls.charges(
            key=key, quantity=str(quantity), product=self._options.product, side=side, price=text_of(price)
        )
        costs = await self._reads.ask(charged, wire.ChargesData, what="the charges")
        return accounts.margin_from(margins, costs.charges)
