"""What can be traded: assets and option contracts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.values import AssetClass, text_of
from floorbroker.matching import XNYS
from floorbroker.matching.calendar import NEW_YORK
from floorbroker.tape import expiries, strikes
from floorbroker_sim.alpaca import info
from floorbroker_sim.alpaca.errors import Refused, asset_missing, bad_parameter
from floorbroker_sim.alpaca.mapping import asset_id, class_of, inside, outside
from floorbroker_sim.alpaca.rest.reading import amount, choice, day, names, number
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.http import Reply, Request, json_reply

_WEEK = timedelta(days=7)


def list_assets(state: State, request: Request) -> Reply:
    query = request.query
    status, kind = query.get("status"), query.get("asset_class")
    exchange, attributes = query.get("exchange"), set(names(query, "attributes"))
    if status == "inactive":
        return json_reply([])
    found = [
        asset
        for instrument in state.market.instruments.values()
        if instrument.asset_class is not AssetClass.OPTION
        and instrument.tradable
        and class_of(instrument) == (kind or class_of(instrument))
        and exchange in (None, "", exchange_of(instrument))
        and attributes <= set(_attributes(asset := asset_object(instrument)))
    ]
    return json_reply(found)


def _attributes(asset: dict[str, object]) -> list[str]:
    value = asset["attributes"]
    assert isinstance(value, list)
    return [str(word) for word in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def get_asset(state: State, _request: Request, name: str) -> Reply:
    return json_reply(asset_object(find(state, name)))


def find(state: State, name: str) -> Instrument:
    """By symbol or by id.  Raises `Refused` 404."""
    try:
        return state.market.instrument(inside(name))
    except KeyError:
        for symbol, instrument in state.market.instruments.items():
            if asset_id(outside(symbol)) == name:
                return instrument
    raise asset_missing(name)


def exchange_of(instrument: Instrument) -> str:
    """Where an asset is listed."""
    if instrument.asset_class is AssetClass.CRYPTO:
        return "CRYPTO"
    return info.EXCHANGES.get(instrument.symbol) or ("NYSE" if instrument.symbol in info.NYSE else "NASDAQ")


def asset_object(instrument: Instrument) -> dict[str, object]:
    """The Asset object; coins carry their increments."""
    symbol, is_coin = outside(instrument.symbol), instrument.asset_class is AssetClass.CRYPTO
    asset: dict[str, object] = {
        "id": asset_id(symbol), "class": class_of(instrument), "exchange": exchange_of(instrument), "symbol": symbol,
        "name": instrument.name or symbol, "status": "active", "tradable": instrument.tradable,
        "marginable": instrument.marginable, "shortable": instrument.shortable, "easy_to_borrow": instrument.shortable,
        "fractionable": instrument.fraction is not None, "maintenance_margin_requirement": 100 if is_coin else 30,
        "margin_requirement_long": "100" if is_coin else "30", "margin_requirement_short": "100" if is_coin else "30",
    }  # fmt: skip
    if is_coin:
        increments: dict[str, Decimal] = {"min_order_size": instrument.lot, "min_trade_increment": instrument.lot}
        increments["price_increment"] = instrument.ticks[0].tick
        return asset | {k: text_of(v) for k, v in increments.items()} | {"attributes": list[str]()}
    words: list[str] = ["fractional_eh_enabled", "overnight_tradable"]
    words += ["has_options"] if instrument.symbol in info.OPTION_ROOTS else []
    return asset | {"borrow_status": "easy_to_borrow", "attributes": words}


# --- Option contracts ------------------------------------------------------------------------------------------------


def list_contracts(state: State, request: Request) -> Reply:
    query = request.query
    limit = number(query, "limit", default=100, low=1, high=10_000)
    choice(query, "status", ("active", "inactive"), default="active")
    roots = names(query, "underlying_symbols") or names(query, "root_symbol") or list(info.OPTION_ROOTS)
    found = [c for root in sorted(roots) for c in listed(state, root) if _fits(state, c, request)]
    found.sort(key=lambda contract: contract.symbol)
    start = number({"page_token": query.get("page_token", "")}, "page_token", default=0, low=0, high=10**6)
    page = found[start : start + limit]
    token = str(start + limit) if start + limit < len(found) else None
    return json_reply({"option_contracts": [contract_object(state, c) for c in page], "next_page_token": token})


def listed(state: State, root: str) -> list[OptionContract]:
    """Every contract on a share: six Fridays, eleven strikes around its price, calls and puts."""
    if root not in info.OPTION_ROOTS:
        return []
    price = state.market.price_at(root, state.market.first_moment)
    if price is None:
        return []
    return [
        OptionContract(root=root, expiry=expiry, right=right, strike=strike)
        for expiry in expiries(_today(state))
        for strike in strikes(price)
        for right in "CP"
    ]


def _today(state: State) -> date:
    return state.clock.now().astimezone(NEW_YORK).date()


def _fits(state: State, contract: OptionContract, request: Request) -> bool:
    query = request.query
    exact, low, high = (day(query, f"expiration_date{end}") for end in ("", "_gte", "_lte"))
    if exact is None and low is None and high is None:
        high = _today(state) + _WEEK  # by default only what expires by the next weekend
    if exact is not None and contract.expiry != exact:
        return False
    if (low is not None and contract.expiry < low) or (high is not None and contract.expiry > high):
        return False
    kind = query.get("type")
    if kind not in (None, "", "call", "put"):
        raise bad_parameter(f"invalid type: {kind}")
    if kind and contract.right != kind[0].upper():
        return False
    cheapest, dearest = amount(query, "strike_price_gte"), amount(query, "strike_price_lte")
    return (cheapest is None or contract.strike >= cheapest) and (dearest is None or contract.strike <= dearest)


def get_contract(state: State, _request: Request, name: str) -> Reply:
    contract = OptionContract.parse(inside(name))
    if contract is None or contract.root not in state.market.instruments:
        for root in info.OPTION_ROOTS:
            for candidate in listed(state, root):
                if asset_id(outside(candidate.symbol)) == name:
                    return json_reply(contract_object(state, candidate))
        raise Refused(404, 40410000, f"option contract not found for {name}")
    return json_reply(contract_object(state, contract))


def contract_object(state: State, contract: OptionContract) -> dict[str, object]:
    symbol = outside(contract.symbol)
    instrument = state.market.instrument(contract.symbol)
    close = XNYS.current_or_next(state.clock.now()).open
    return {
        "id": asset_id(symbol), "symbol": symbol, "name": instrument.name, "status": "active",
        "tradable": contract.expiry >= _today(state), "expiration_date": contract.expiry.isoformat(),
        "root_symbol": contract.root, "underlying_symbol": contract.root, "underlying_asset_id": asset_id(contract.root),
        "type": "call" if contract.right == "C" else "put", "style": "american", "strike_price": text_of(contract.strike),
        "multiplier": "100", "size": "100", "open_interest": str(100 + int(contract.strike) % 900),
        "open_interest_date": (_today(state) - timedelta(days=1)).isoformat(),
        "close_price": text_of(Decimal(state.market.close_before(contract.symbol, close))),
        "close_price_date": (_today(state) - timedelta(days=1)).isoformat(), "ppind": False,
    }  # fmt: skip
