"""What the Client Portal Web API sends: replies of its REST door, orders and executions, quotes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from random import Random

from floorbroker.brokers.ibkr_web import IbkrWebBroker, Options, origins_for
from floorbroker.brokers.ibkr_web.mapping.contracts import Contract, Known
from floorbroker.brokers.ibkr_web.mapping.families import Families
from floorbroker.brokers.ibkr_web.mapping.identity import IbkrWebIdentity
from floorbroker.brokers.ibkr_web.mapping.reports import Shelves
from floorbroker.brokers.ibkr_web.stream.market import QuoteSession
from floorbroker.brokers.ibkr_web.stream.orders import OrdersSession
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import Environment
from tests.fuzz.ledger import NOW, SHARES, Ledger
from tests.fuzz.replies import Replies, common_calls, no_stream, replies_target
from tests.fuzz.streams import market_target, private_target
from tests.fuzz.target import payload
from tests.support.hasty import HastyClock

ROOT = "/v1/api"
Asked = Callable[[IbkrWebBroker], Awaitable[object]]
STANDS = b'{"session":"0123","iserver":{"authStatus":{"authenticated":true,"competing":false,"connected":true}}}'
GREETING = b'{"topic":"sts","args":{"authenticated":true,"competing":false}}'
PUT = "AAPL  260320P00150000"


def ledger() -> Ledger:
    """Three shares of AAPL on their way."""
    return Ledger(IbkrWebIdentity(), SHARES)


def broker(transport: Replies) -> IbkrWebBroker:
    return IbkrWebBroker(
        environment=Environment.PAPER,
        origins=origins_for(Environment.PAPER),
        reads=transport,
        commands=transport,
        connect=no_stream,
        clock=HastyClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
        options=Options(),
    )


def with_session(call: Asked) -> Asked:
    """The call inside a session, which is let go of afterwards."""

    async def inside(venue: IbkrWebBroker) -> object:
        try:
            await venue.get_account_info()
            return await call(venue)
        finally:
            await venue.disconnect()

    return inside


COMMON = common_calls(SHARES, ledger, order_id="987654321")
ALONE = ("connect", "self_check", "instrument", "account")
ASKS_NOTHING = "permissions"


def alone(call: Asked) -> Asked:
    """The call as it comes, and the end of whatever it began."""

    async def ended(venue: IbkrWebBroker) -> object:
        try:
            return await call(venue)
        finally:
            await venue.disconnect()

    return ended


CALLS: dict[str, Asked] = {
    **{name: with_session(call) for name, call in COMMON.items() if name not in (*ALONE, ASKS_NOTHING)},
    **{name: alone(COMMON[name]) for name in ALONE},
    "option": with_session(lambda venue: venue.get_instrument(PUT)),
    "chain": with_session(lambda venue: venue.get_option_chain("AAPL", date(2026, 3, 20))),
}
STANDING = {
    f"{ROOT}/tickle": STANDS,
    f"{ROOT}/iserver/accounts": payload("ibkr_web/accounts.json"),
    f"{ROOT}/portfolio/accounts": payload("ibkr_web/portfolio_accounts.json"),
    f"{ROOT}/portfolio/DU123456/summary": payload("ibkr_web/summary.json"),
    f"{ROOT}/trsrv/stocks": payload("ibkr_web/stocks.json"),
}


def quotes() -> QuoteSession:
    """A session that knows one contract."""
    known = Known()
    known.learn(Contract(symbol="AAPL", conid=265598))
    return QuoteSession(known)


TARGETS = (
    replies_target("ibkr_web_replies", broker, CALLS, ledger=ledger, standing=STANDING, bare=ALONE),
    private_target(
        "ibkr_web_orders",
        lambda: OrdersSession(Shelves(Known(), Families()), lambda _: None),
        ledger=ledger,
        greeting=[GREETING],
    ),
    market_target("ibkr_web_quotes", quotes, wanted=[(DataKind.QUOTES, "AAPL")], greeting=[GREETING]),
)
