"""What can be asked about the account: money, what is held, and what an order would take."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.errors import BROKER
from floorbroker.brokers.tradier.mapping import account as accounts
from floorbroker.brokers.tradier.mapping.orders import Form
from floorbroker.brokers.tradier.mapping.values import CONTRACT, needed, number
from floorbroker.brokers.tradier.rest import answers
from floorbroker.brokers.tradier.rest.calls import Calls
from floorbroker.brokers.tradier.rest.reads import Reads
from floorbroker.domain.errors import ApiError
from floorbroker.domain.options import OptionContract
from floorbroker.domain.records import Account, Balance, MarginRequirement, Position, RiskMetrics
from floorbroker.domain.values import ZERO
from floorbroker.transport.types import Transport


class AccountReads:
    """One account, asked; `transport` is the read stack, over which previews go as well."""

    def __init__(self, transport: Transport, reads: Reads, calls: Calls) -> None:
        self._transport = transport
        self._reads = reads
        self._calls = calls

    async def account(self) -> Account:
        """Balances, and what the token's profile says of the account.  Raises `ApiError` for another account's balances."""
        told = await self._balances()
        profile = await self._reads.ask(self._calls.profile(), wire.ProfileReply, what="the profile")
        holders = wire.one_or_many(profile.profile.account, wire.Holder, what="the profile")
        mine = next((one for one in holders if one.account_number == self._calls.account()), None)
        return accounts.account_from(told, mine)

    async def balance(self) -> Balance:
        """Cash, and what of it is cleared."""
        return accounts.balance_from(await self._balances())

    async def _balances(self) -> wire.Balances:
        told = (await self._reads.ask(self._calls.balances(), wire.BalancesReply, what="the balances")).balances
        if told.account_number != self._calls.account():
            raise ApiError("the balances are another account's", broker=BROKER)
        return told

    async def positions(self) -> tuple[Position, ...]:
        """Shares and contracts, short ones below zero."""
        listed = await self._reads.listed(
            self._calls.positions(), "positions", "position", wire.Position, what="the positions"
        )
        return tuple(accounts.position_from(item) for item in listed)

    async def preview(self, form: Form) -> wire.Preview:
        """What the venue says to an order that it looks at and does not place.  Raises the refusal."""
        return answers.previewed(await self._transport.send(self._calls.preview(form)))


def risk_of(account: Account, held: tuple[Position, ...], working: int) -> RiskMetrics:
    """The account's figures over what is held; a contract is about a hundred shares."""
    scaled = [(p, CONTRACT if OptionContract.parse(p.symbol) is not None else Decimal(1)) for p in held]
    return accounts.risk_from(account, scaled, working)


def margin_told(preview: wire.Preview) -> MarginRequirement:
    """What a preview says an order takes, in dollars.  Raises `ApiError` when it tells no cost."""
    cost = needed(preview.order_cost if preview.order_cost is not None else preview.cost, what="the cost")
    margin = number(preview.margin_change)
    return MarginRequirement(
        currency="USD",
        initial=cost if margin is None else margin,
        buying_power_effect=cost,
        fees=(number(preview.commission) or ZERO) + (number(preview.fees) or ZERO),
        source="venue",
    )
