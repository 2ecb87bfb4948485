"""The portfolio: accounts, positions, summary, ledger.  Read from the portal session alone.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#portfolio
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.values import ZERO, text_of
from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import info
from floorbroker_sim.ibkr_web.errors import bad_request
from floorbroker_sim.ibkr_web.mapping import amount, millis, number
from floorbroker_sim.ibkr_web.rest.checks import account_of
from floorbroker_sim.ibkr_web.rest.money import Holding
from floorbroker_sim.ibkr_web.rest.reading import whole
from floorbroker_sim.ibkr_web.rest.state import State

_FRACTION = Decimal("0.00000001")
_LEDGER_EMPTY = (
    "commoditymarketvalue", "futuremarketvalue", "corporatebondsmarketvalue", "warrantsmarketvalue", "moneyfunds", "funds",
    "issueroptionsmarketvalue", "futuresonlypnl", "tbondsmarketvalue", "futureoptionmarketvalue", "cashbalancefxsegment",
    "tbillsmarketvalue", "dividends",
)  # fmt: skip


def accounts(state: State, _request: Request) -> Reply:
    """Also asked for as sub-accounts; whoever asks may ask for the rest of the portfolio."""
    state.login.need_portal()
    state.login.portfolio_asked = True
    return json_reply([_attributes(state, account) for account in state.account_ids])


def meta(state: State, _request: Request, account: str) -> Reply:
    state.login.need_portfolio()
    return json_reply(_attributes(state, account_of(state, account)))


def _attributes(state: State, account: str) -> dict[str, object]:
    return {
        "id": account,
        "PrepaidCrypto-Z": False,
        "PrepaidCrypto-P": False,
        "brokerageAccess": True,
        "accountId": account,
        "accountVan": account,
        "accountTitle": state.username,
        "displayName": state.username,
        "accountAlias": None,
        "accountStatus": 1_700_000_000_000,
        "currency": info.CURRENCY,
        "type": "DEMO",
        "tradingType": "STKNOPT",
        "businessType": "IB_PROSERVE",
        "category": "",
        "ibEntity": "IBLLC-US",
        "faClient": False,
        "clearingStatus": "O",
        "covestor": False,
        "noClientTrading": False,
        "trackVirtualFXPortfolio": True,
        "acctCustType": "INDIVIDUAL",
        "parent": {"mmc": [], "accountId": "", "isMParent": False, "isMChild": False, "isMultiplex": False},
        "desc": account,
    }


# --- Positions -------------------------------------------------------------------------------------------------------


def positions(state: State, request: Request, account: str, page: str) -> Reply:
    """A hundred a page, counted from zero; an empty page ends them."""
    state.login.need_portfolio()
    rows = [_position(state, account, h) for h in state.holdings(account_of(state, account))]
    first = whole(page, "pageId") * info.PAGE_SIZE
    if first < 0:
        raise bad_request("pageId is not negative")
    if sort := request.query.get("sort"):
        if rows and sort not in rows[0]:
            raise bad_request(f"unknown column {sort}")
        rows.sort(key=lambda row: str(row[sort]), reverse=request.query.get("direction") == "d")
    return json_reply(rows[first : first + info.PAGE_SIZE], exact_numbers=True)


def position(state: State, _request: Request, account: str, conid: str) -> Reply:
    state.login.need_portfolio()
    return json_reply(_rows(state, account_of(state, account), whole(conid, "conid")), exact_numbers=True)


def by_account(state: State, _request: Request, conid: str) -> Reply:
    """One contract in every account that holds it."""
    state.login.need_portfolio()
    wanted = whole(conid, "conid")
    found = {account: _rows(state, account, wanted) for account in state.account_ids}
    return json_reply({account: rows for account, rows in found.items() if rows}, exact_numbers=True)


def _rows(state: State, account: str, conid: int) -> list[dict[str, object]]:
    rows = (_position(state, account, h) for h in state.holdings(account))
    return [row for row in rows if row["conid"] == conid]


def invalidate(state: State, _request: Request, account: str) -> Reply:
    """Positions are never older than now here, so there is nothing to drop."""
    state.login.need_portfolio()
    account_of(state, account)
    return json_reply({"message": "success"})


def _position(state: State, account: str, holding: Holding) -> dict[str, object]:
    contract = state.symbols.contract(holding.instrument.symbol)
    option, multiplier = contract.option, holding.instrument.multiplier
    return {
        "acctId": account,
        "conid": contract.conid,
        "contractDesc": contract.description,
        "position": number(holding.qty),
        "mktPrice": _exact(holding.mark),
        "mktValue": _exact(holding.value),
        "currency": info.CURRENCY,
        "avgCost": _exact(holding.avg_px * multiplier),
        "avgPrice": _exact(holding.avg_px),
        "realizedPnl": _exact(holding.realized),
        "unrealizedPnl": _exact(holding.gain),
        "exchs": None,
        "expiry": None if option is None else f"{option.expiry:%Y%m%d}",
        "putOrCall": None if option is None else option.right,
        "multiplier": Decimal("0.0") if option is None else number(multiplier),
        "strike": "0" if option is None else text_of(option.strike),
        "exerciseStyle": None if option is None else "A",
        "conExchMap": [],
        "assetClass": contract.sec_type,
        "undConid": 0 if option is None else state.symbols.conid(contract.share),
        "model": "",
        "incrementRules": [{"lowerEdge": Decimal("0.0"), "increment": Decimal("0.01")}],
        "displayRule": {
            "magnification": 0, "displayRuleStep": [{"decimalDigits": 2, "lowerEdge": Decimal("0.0"), "wholeDigits": 4}],
        },
        "time": 1,
        "chineseName": contract.ticker,
        "allExchanges": info.VALID_EXCHANGES,
        "listingExchange": contract.exchange.partition(".")[0],
        "countryCode": "US",
        "name": contract.instrument.name.upper(),
        "lastTradingDay": None if option is None else f"{option.expiry:%Y%m%d}",
        "group": "",
        "sector": "",
        "sectorGroup": "",
        "ticker": contract.ticker,
        "type": "COMMON" if option is None else "",
        "hasOptions": option is None,
        "fullName": contract.description,
        "isUS": True,
        "isEventContract": False,
        "pageSize": info.PAGE_SIZE,
    }  # fmt: skip


def _exact(value: Decimal) -> Decimal:
    """To eight decimals, without the zeros behind."""
    rounded = value.quantize(_FRACTION).normalize()
    return number(rounded + ZERO)


# --- Figures ---------------------------------------------------------------------------------------------------------


def summary(state: State, _request: Request, account: str) -> Reply:
    state.login.need_portfolio()
    now, at = state.standing(account_of(state, account)), millis(state.clock.now())
    money = {
        "availablefunds": now.available, "buyingpower": now.buying_power, "equitywithloanvalue": now.equity,
        "excessliquidity": now.excess, "fullavailablefunds": now.available, "fullexcessliquidity": now.excess,
        "fullinitmarginreq": now.initial, "fullmaintmarginreq": now.maintenance, "grosspositionvalue": now.gross,
        "initmarginreq": now.initial, "maintmarginreq": now.maintenance, "netliquidation": now.equity,
        "totalcashvalue": now.cash, "accruedcash": ZERO, "accrueddividend": ZERO,
    }  # fmt: skip
    shown: dict[str, object] = {
        "accountcode": _value(at, text=account),
        "accountready": _value(at, text="true"),
        "accounttype": _value(at, text="INDIVIDUAL"),
        "cushion": _value(at, text=text_of(_cushion(now.excess, now.equity))),
    }
    for name, value in money.items():
        shown[name] = _value(at, value)
        if name != "buyingpower":
            shown[f"{name}-s"], shown[f"{name}-c"] = _value(at, value), _value(at, ZERO)
    return json_reply(shown, exact_numbers=True)


def _cushion(excess: Decimal, equity: Decimal) -> Decimal:
    return (excess / equity).quantize(Decimal("0.000001")) if equity else ZERO


def _value(at_ms: int, value: Decimal | None = None, *, text: str | None = None) -> dict[str, object]:
    return {
        "amount": amount(value or ZERO), "currency": None if value is None else info.CURRENCY, "isNull": False,
        "timestamp": at_ms, "value": text, "severity": 0,
    }  # fmt: skip


def ledger(state: State, _request: Request, account: str) -> Reply:
    """By currency, and all of it in the base currency.  Timestamps are seconds here."""
    state.login.need_portfolio()
    account_of(state, account)
    return json_reply({key: ledger_line(state, account, key) for key in (info.CURRENCY, "BASE")}, exact_numbers=True)


def ledger_line(state: State, account: str, currency: str) -> dict[str, object]:
    """One currency of the ledger."""
    now = state.standing(account)
    return {
        **dict.fromkeys(_LEDGER_EMPTY, Decimal("0.0")),
        "settledcash": amount(now.cash),
        "exchangerate": 1,
        "sessionid": 1,
        "cashbalance": amount(now.cash),
        "netliquidationvalue": amount(now.equity),
        "interest": Decimal("0.0"),
        "unrealizedpnl": amount(now.unrealized),
        "stockmarketvalue": amount(now.share_value),
        "currency": currency,
        "realizedpnl": amount(now.realized),
        "acctcode": account,
        "key": "LedgerList",
        "timestamp": int(state.clock.now().timestamp()),
        "severity": 0,
        "stockoptionmarketvalue": amount(now.option_value),
        "secondkey": currency,
        "endofbundle": 1,
    }


def allocation(state: State, _request: Request, account: str) -> Reply:
    """Market value by class; what is borrowed counts as short."""
    state.login.need_portfolio()
    now = state.standing(account_of(state, account))
    parts = {"STK": now.share_value, "OPT": now.option_value, "CASH": now.cash}
    long = {name: amount(value) for name, value in parts.items() if value > 0}
    short = {name: amount(value) for name, value in parts.items() if value < 0}
    whole_book = {"long": long, "short": short}
    others = {"long": {k: v for k, v in long.items() if k != "CASH"}, "short": short}
    others = {side: {"Others": sum(values.values(), ZERO)} if values else {} for side, values in others.items()}
    return json_reply({"assetClass": whole_book, "sector": others, "group": others}, exact_numbers=True)
