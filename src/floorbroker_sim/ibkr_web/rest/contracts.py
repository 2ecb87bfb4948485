"""Finding contracts: by symbol, by number, along an option chain.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#contract
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from floorbroker.domain.instrument import OptionContract
from floorbroker.matching.calendar import NEW_YORK
from floorbroker.tape import expiries, strikes
from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import info, wire
from floorbroker_sim.ibkr_web.errors import bad_request, broken
from floorbroker_sim.ibkr_web.rest.reading import body, flag, names, whole
from floorbroker_sim.ibkr_web.rest.state import State
from floorbroker_sim.ibkr_web.rest.symbols import Contract, class_of, ticker_of

_CONIDS_MAX = 200
_CENT = Decimal("0.01")
_TYPES = [
    "limit", "market", "stop", "stop_limit", "mit", "lit", "trailing_stop", "marketonclose", "limitonclose",
]  # fmt: skip
_OUTSIDE = ["limit", "stop_limit", "lit"]


def search(state: State, request: Request) -> Reply:
    """Shares by their symbol, or by a part of their name.  The number is text here."""
    state.login.need_brokerage()
    symbol, by_name, kind = _asked(request)
    if not symbol:
        raise bad_request("symbol is required")
    wanted = symbol.upper()
    if kind not in {"", "STK", "IND", "BOND"}:
        raise bad_request("secType is STK, IND or BOND")
    found = [s for s in state.symbols.shares if kind in {"", "STK"} and _fits(state, s, wanted, by_name=by_name)]
    if not found:
        return json_reply({"error": "No symbol found"})
    if not by_name:
        state.login.asked.searched |= set(found)
    return json_reply([_found(state, state.symbols.contract(one)) for one in found])


def _asked(request: Request) -> tuple[str, bool, str]:
    if request.method == "POST":
        asked = body(request, wire.Search)
        return asked.symbol or "", bool(asked.name), (asked.sec_type or "").upper()
    query = request.query
    return query.get("symbol", ""), flag(query, "name"), query.get("secType", "").upper()


def _fits(state: State, symbol: str, wanted: str, *, by_name: bool) -> bool:
    return wanted in state.market.instrument(symbol).name.upper() if by_name else ticker_of(symbol) == wanted


def _found(state: State, contract: Contract) -> dict[str, object]:
    days = _days(state)
    months = ";".join(dict.fromkeys(_month(day) for day in days))
    exchange, name = contract.exchange.partition(".")[0], contract.instrument.name.upper()
    return {
        "conid": str(contract.conid),
        "companyHeader": f"{name} - {exchange}",
        "companyName": name,
        "symbol": contract.ticker,
        "description": exchange,
        "restricted": None,
        "opt": ";".join(f"{day:%Y%m%d}" for day in days),
        "sections": [
            {"secType": "STK"},
            {"secType": "OPT", "months": months, "exchange": "SMART;AMEX;CBOE"},
        ],
    }


def _days(state: State) -> list[date]:
    return expiries(state.clock.now().astimezone(NEW_YORK).date())


def _month(day: date) -> str:
    return f"{day:%b%y}".upper()


def _chain(state: State, share: str, month: str) -> tuple[list[date], list[Decimal]]:
    """Days of a month, and strikes around the price.  Raises `Refused` for a month without options."""
    days = [day for day in _days(state) if _month(day) == month.upper()]
    if not days:
        raise broken(f"no options in {month}")
    quote = state.market.quote(share)
    price = None if quote is None else quote.last or quote.mid
    return days, [] if price is None else strikes(price)


def strikes_of(state: State, request: Request) -> Reply:
    """Empty unless the symbol was searched for in this session."""
    state.login.need_brokerage()
    contract = _by_conid(state, request.query.get("conid", ""))
    _need_options(request)
    if contract.symbol not in state.login.asked.searched:
        return json_reply({"call": [], "put": []})
    _, found = _chain(state, contract.symbol, request.query.get("month", ""))
    return json_reply({"call": found, "put": found}, exact_numbers=True)


def _need_options(request: Request) -> None:
    if request.query.get("sectype", request.query.get("secType", "")).upper() != "OPT":
        raise bad_request("sectype is OPT")


def secdef_info(state: State, request: Request) -> Reply:
    """A share, or the options of a month at a strike: one row for each expiry.

    Strike 0 is every strike, as programs in public use have it and the documents do not; by hand it is none.
    """
    state.login.need_brokerage()
    contract = _by_conid(state, request.query.get("conid", ""))
    query = request.query
    if query.get("sectype", query.get("secType", "STK")).upper() == "STK":
        return json_reply([_definition(contract)], exact_numbers=True)
    _need_options(request)
    right = query.get("right", "").upper()
    if right not in {"C", "P", ""}:
        raise bad_request("right is C or P")
    try:
        strike = Decimal(query.get("strike", ""))
    except InvalidOperation as error:
        raise bad_request("strike is a number") from error
    days, listed = _chain(state, contract.share, query.get("month", ""))
    rows = [
        _definition(found)
        for day in days
        for each in (listed if strike == 0 and state.whole_months else [strike])
        for one in (right or "CP")
        if (found := _option(state, contract, day, one, each))
    ]
    return json_reply(rows, exact_numbers=True)


def _option(state: State, share: Contract, day: date, right: str, strike: Decimal) -> Contract | None:
    if not strike.is_finite() or not 0 < strike < info.SIZE_LIMIT * 100:
        return None
    try:
        return state.symbols.contract(
            OptionContract(root=class_of(share.share), expiry=day, right=right, strike=strike).symbol
        )
    except KeyError:
        return None


def _definition(contract: Contract) -> dict[str, object]:
    row: dict[str, object] = {
        "conid": contract.conid,
        "symbol": contract.ticker,
        "ticker": contract.ticker,
        "secType": contract.sec_type,
        "exchange": "SMART",
        "listingExchange": None if contract.option else contract.exchange.partition(".")[0],
        "companyName": contract.instrument.name.upper(),
        "currency": info.CURRENCY,
        "validExchanges": info.VALID_EXCHANGES,
        "priceRendering": None,
    }
    if contract.option is None:
        return row
    option = contract.option
    word = "Call" if option.right == "C" else "Put"
    return row | {
        "right": option.right,
        "strike": option.strike.normalize() + 0,
        "cusip": None,
        "coupon": "No Coupon",
        "desc1": contract.ticker,
        "desc2": f"(SMART) {option.expiry:%b %d '%y} {option.strike.normalize():f} {word}",
        "maturityDate": f"{option.expiry:%Y%m%d}",
        "multiplier": "100",
        "tradingClass": contract.trading_class,
    }


def _by_conid(state: State, text: str) -> Contract:
    try:
        return state.symbols.by_conid(whole(text, "conid"))
    except KeyError as error:
        raise broken(f"No contract found for conid {text}") from error


# --- One contract ----------------------------------------------------------------------------------------------------


def contract_info(state: State, _request: Request, conid: str) -> Reply:
    state.login.need_brokerage()
    return json_reply(_info(state, _by_conid(state, conid)), exact_numbers=True)


def info_and_rules(state: State, request: Request, conid: str) -> Reply:
    state.login.need_brokerage()
    contract = _by_conid(state, conid)
    is_buy = flag(request.query, "isBuy")
    return json_reply({**_info(state, contract), "rules": _rules(state, contract, is_buy=is_buy)}, exact_numbers=True)


def rules(state: State, request: Request) -> Reply:
    state.login.need_brokerage()
    asked = body(request, wire.RulesOf)
    return json_reply(_rules(state, _by_conid(state, str(asked.conid)), is_buy=asked.is_buy), exact_numbers=True)


def algos(state: State, _request: Request, conid: str) -> Reply:
    """No algorithms of the broker are simulated."""
    state.login.need_brokerage()
    _by_conid(state, conid)
    return json_reply({"algos": []})


def _info(state: State, contract: Contract) -> dict[str, object]:
    option = contract.option
    row: dict[str, object] = {
        "cfi_code": "",
        "symbol": contract.ticker,
        "cusip": None,
        "expiry_full": None if option is None else f"{option.expiry:%Y%m}",
        "con_id": contract.conid,
        "maturity_date": None if option is None else f"{option.expiry:%Y%m%d}",
        "industry": "",
        "instrument_type": contract.sec_type,
        "trading_class": contract.trading_class,
        "valid_exchanges": info.VALID_EXCHANGES,
        "allow_sell_long": False,
        "is_zero_commission_security": False,
        "local_symbol": contract.ticker if option is None else contract.symbol,
        "contract_clarification_type": None,
        "classifier": None,
        "currency": info.CURRENCY,
        "text": None if option is None else contract.description,
        "underlying_con_id": 0 if option is None else state.symbols.conid(contract.share),
        "r_t_h": True,
        "multiplier": None if option is None else "100",
        "underlying_issuer": None,
        "contract_month": None if option is None else f"{option.expiry:%Y%m}",
        "company_name": contract.instrument.name.upper(),
        "smart_available": True,
        "exchange": "SMART",
        "category": "",
    }
    if option is not None:
        row |= {"strike": option.strike.normalize() + 0, "right": "CALL" if option.right == "C" else "PUT"}
    return row


def _rules(state: State, contract: Contract, *, is_buy: bool) -> dict[str, object]:
    quote = state.market.quote(contract.symbol)
    touch = None if quote is None else quote.ask if is_buy else quote.bid
    price = touch or _CENT
    fractions = [] if contract.option else ["limit", "market", "stop", "stop_limit"]
    return {
        "algoEligible": False,
        "overnightEligible": False,
        "costReport": False,
        "canTradeAcctIds": state.account_ids,
        "error": None,
        "orderTypes": _TYPES,
        "ibAlgoTypes": [],
        "fraqTypes": fractions,
        "forceOrderPreview": False,
        "cqtTypes": fractions,
        "orderDefaults": {"LMT": {"LP": str(price)}},
        "orderTypesOutside": _OUTSIDE,
        "defaultSize": 1 if contract.option else 100,
        "cashSize": 0,
        "sizeIncrement": 1,
        "tifTypes": [f"{tif}/o,a" for tif in info.TIFS],
        "tifDefaults": {"TIF": "DAY", "SIZE": "100.00"},
        "limitPrice": price,
        "stopPrice": price,
        "orderOrigination": None,
        "preview": True,
        "displaySize": None,
        "fraqInt": 0 if contract.option else 4,
        "cashCcy": info.CURRENCY,
        "cashQtyIncr": 500,
        "priceMagnifier": None,
        "negativeCapable": False,
        "incrementType": 1,
        "incrementRules": [
            {"lowerEdge": rule.from_price, "increment": rule.tick} for rule in contract.instrument.ticks
        ],
        "hasSecondary": True,
        "modTypes": _TYPES,
        "increment": contract.instrument.tick_at(price),
        "incrementDigits": 2,
    }  # fmt: skip


# --- Reference data of the portal ------------------------------------------------------------------------------------


def stocks(state: State, request: Request) -> Reply:
    state.login.need_portal()
    wanted = [name.upper() for name in names(request.query, "symbols")]
    if not wanted:
        raise bad_request("symbols is required")
    return json_reply({ticker: _stocks(state, ticker) for ticker in wanted})


def _stocks(state: State, ticker: str) -> list[dict[str, object]]:
    symbol = state.symbols.named(ticker)
    return [] if symbol is None else [_stock(state.symbols.contract(symbol))]


def _stock(contract: Contract) -> dict[str, object]:
    return {
        "name": contract.instrument.name.upper(),
        "chineseName": contract.ticker,
        "assetClass": "STK",
        "contracts": [{"conid": contract.conid, "exchange": contract.exchange.partition(".")[0], "isUS": True}],
    }


def secdef(state: State, request: Request) -> Reply:
    """Up to two hundred contracts by their numbers; unknown ones are left out."""
    state.login.need_portal()
    wanted = [whole(name, "conids") for name in names(request.query, "conids")]
    if not 0 < len(wanted) <= _CONIDS_MAX:
        raise bad_request("conids are one to two hundred numbers")
    rows: list[dict[str, object]] = []
    for conid in wanted:
        try:
            rows.append(_secdef(state, state.symbols.by_conid(conid)))
        except KeyError:
            continue  # nobody listed it
    return json_reply({"secdef": rows}, exact_numbers=True)


def _secdef(state: State, contract: Contract) -> dict[str, object]:
    option = contract.option
    ticks = contract.instrument.ticks
    return {
        "conid": contract.conid,
        "currency": info.CURRENCY,
        "name": contract.instrument.name.upper(),
        "assetClass": contract.sec_type,
        "expiry": None if option is None else f"{option.expiry:%Y%m%d}",
        "lastTradingDay": None if option is None else f"{option.expiry:%Y%m%d}",
        "putOrCall": None if option is None else option.right,
        "strike": 0 if option is None else option.strike.normalize() + 0,
        "ticker": contract.ticker,
        "undConid": 0 if option is None else state.symbols.conid(contract.share),
        "multiplier": 0 if option is None else 100,
        "listingExchange": contract.exchange.partition(".")[0],
        "allExchanges": info.VALID_EXCHANGES,
        "hasOptions": option is None,
        "fullName": contract.description,
        "isUS": True,
        "incrementRules": [{"lowerEdge": rule.from_price, "increment": rule.tick} for rule in ticks],
    }


def futures(state: State, request: Request) -> Reply:
    """No futures are listed; every symbol has none."""
    state.login.need_portal()
    return json_reply({name.upper(): [] for name in names(request.query, "symbols")})
