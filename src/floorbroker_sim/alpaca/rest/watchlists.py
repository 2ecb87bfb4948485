"""Named lists of assets.  A list is found by the id in the path, or by `?name=`."""

from __future__ import annotations

import msgspec

from floorbroker.domain.values import time_text
from floorbroker_sim.alpaca.errors import Refused, unprocessable
from floorbroker_sim.alpaca.mapping import outside
from floorbroker_sim.alpaca.rest.assets import asset_object, find
from floorbroker_sim.alpaca.rest.reading import body
from floorbroker_sim.alpaca.rest.state import State, Watchlist
from floorbroker_sim.http import Reply, Request, json_reply


class ListRequest(msgspec.Struct, frozen=True):
    """A new list, or its new name and symbols."""

    name: str | None = None
    symbols: list[str] | None = None


class SymbolRequest(msgspec.Struct, frozen=True):
    symbol: str


def list_all(state: State, _request: Request) -> Reply:
    return json_reply([_object(state, item, with_assets=False) for item in state.watchlists.values()])


def create(state: State, request: Request) -> Reply:
    wish = body(request, ListRequest)
    if not wish.name:
        raise unprocessable("watchlist name is required")
    _check_name(state, wish.name, None)
    at = state.clock.stamp()
    symbols = _symbols(state, wish.symbols or [])
    item = Watchlist(id=state.uuid(), name=wish.name, created_at=at, updated_at=at, symbols=symbols)
    state.watchlists[item.id] = item
    return json_reply(_object(state, item))


def get(state: State, request: Request, list_id: str | None = None) -> Reply:
    return json_reply(_object(state, _found(state, request, list_id)))


def update(state: State, request: Request, list_id: str | None = None) -> Reply:
    item, wish = _found(state, request, list_id), body(request, ListRequest)
    if wish.name:
        _check_name(state, wish.name, item)
        item.name = wish.name
    if wish.symbols is not None:
        item.symbols = _symbols(state, wish.symbols)
    return _changed(state, item)


def add(state: State, request: Request, list_id: str | None = None) -> Reply:
    item = _found(state, request, list_id)
    (symbol,) = _symbols(state, [body(request, SymbolRequest).symbol])
    if symbol in item.symbols:
        raise unprocessable(f"duplicate symbol: {symbol}")
    item.symbols.append(symbol)
    return _changed(state, item)


def remove(state: State, request: Request, list_id: str, symbol: str) -> Reply:
    item = _found(state, request, list_id)
    if symbol not in item.symbols:
        raise Refused(404, 40410000, f"symbol not found: {symbol}")
    item.symbols.remove(symbol)
    return _changed(state, item)


def delete(state: State, request: Request, list_id: str | None = None) -> Reply:
    del state.watchlists[_found(state, request, list_id).id]
    return Reply(status=204)


def _found(state: State, request: Request, list_id: str | None) -> Watchlist:
    name = request.query.get("name")
    for item in state.watchlists.values():
        if item.id == list_id or (list_id is None and item.name == name):
            return item
    raise Refused(404, 40410000, f"watchlist not found for {list_id or name}")


def _check_name(state: State, name: str, own: Watchlist | None) -> None:
    if any(item.name == name and item is not own for item in state.watchlists.values()):
        raise unprocessable("watchlist name must be unique")


def _symbols(state: State, names: list[str]) -> list[str]:
    return [outside(find(state, name).symbol) for name in names]


def _changed(state: State, item: Watchlist) -> Reply:
    item.updated_at = state.clock.stamp()
    return json_reply(_object(state, item))


def _object(state: State, item: Watchlist, *, with_assets: bool = True) -> dict[str, object]:
    answer: dict[str, object] = {
        "id": item.id, "account_id": state.account_id, "created_at": time_text(item.created_at),
        "updated_at": time_text(item.updated_at), "name": item.name,
    }  # fmt: skip
    return answer | ({"assets": [asset_object(find(state, s)) for s in item.symbols]} if with_assets else {})
