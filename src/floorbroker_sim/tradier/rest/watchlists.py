"""Named lists of symbols.  https://documentation.tradier.com/brokerage-api/watchlists/get-watchlists"""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorbroker_sim.http import Request
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.rest.reading import names, needed, params_of
from floorbroker_sim.tradier.rest.records import Watchlist
from floorbroker_sim.tradier.rest.rendering import Body, Listed

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_MAX_LISTS, _MAX_SYMBOLS = 100, 500


def list_watchlists(state: State, _request: Request) -> Body:
    found = [{"name": one.name, "id": one.id, "public_id": one.public_id} for one in state.watchlists.values()]
    return {"watchlists": Listed(name="watchlist", items=found)}


def create(state: State, request: Request) -> Body:
    params = params_of(request)
    name = needed(params, "name")[:64]
    key = "".join(letter.lower() if letter.isalnum() else "-" for letter in name)
    if key in state.watchlists or len(state.watchlists) >= _MAX_LISTS:
        raise Refused(400, f"a watchlist {name} exists" if key in state.watchlists else "too many watchlists")
    fresh = Watchlist(id=key, name=name, public_id=f"public-{state.uuid()[:8]}", symbols=[])
    state.watchlists[key] = fresh
    _fill(fresh, names(params, "symbols"))
    return _body(fresh)


def show(state: State, _request: Request, key: str) -> Body:
    return _body(_known(state, key))


def change(state: State, request: Request, key: str) -> Body:
    params, found = params_of(request), _known(state, key)
    found.name = needed(params, "name")[:64]
    if params.get("symbols"):
        found.symbols.clear()
        _fill(found, names(params, "symbols"))
    return _body(found)


def remove(state: State, request: Request, key: str) -> Body:
    del state.watchlists[_known(state, key).id]
    return list_watchlists(state, request)


def add_symbols(state: State, request: Request, key: str) -> Body:
    found = _known(state, key)
    _fill(found, names(params_of(request), "symbols"))
    return _body(found)


def remove_symbol(state: State, _request: Request, key: str, symbol: str) -> Body:
    found = _known(state, key)
    if symbol.upper() not in found.symbols:
        raise Refused(404, f"symbol not found: {symbol[:40]}")
    found.symbols.remove(symbol.upper())
    return _body(found)


def _known(state: State, key: str) -> Watchlist:
    found = state.watchlists.get(key)
    if found is None:
        raise Refused(404, f"watchlist not found: {key[:40]}")
    return found


def _fill(found: Watchlist, symbols: list[str]) -> None:
    fresh = [name.upper() for name in symbols if name.upper() not in found.symbols]
    if len(found.symbols) + len(fresh) > _MAX_SYMBOLS:
        raise Refused(400, "too many symbols")
    found.symbols += fresh


def _body(found: Watchlist) -> Body:
    items = [{"symbol": symbol, "id": symbol.lower()} for symbol in found.symbols]
    return {
        "watchlist": {
            "name": found.name, "id": found.id, "public_id": found.public_id, "items": Listed(name="item", items=items)
        }
    }  # fmt: skip
