"""Quotes, books, bars and market hours."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from floorbroker.api.door import DeskDep, DoorDep, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import VENUE, problems, returns, returns_list
from floorbroker.api.params import BarsQuery, BookQuery, ChainQuery, HoursQuery, QuoteQuery, SizeQuery
from floorbroker.api.views.market import (
    BarsView,
    BookView,
    HoursView,
    QuoteView,
    bars_view,
    book_view,
    hours_view,
    quote_view,
)
from floorbroker.api.views.options import ChainView, SizeView, chain_view, size_view

router = APIRouter(prefix="/{env}", tags=["Market data"])


@router.get("/quotes", operation_id="list_quotes", responses=returns_list(QuoteView, "Quotes.") | problems(*VENUE))
async def list_quotes(request: Request, desk: DeskDep, query: Annotated[QuoteQuery, Query()]) -> Response:
    """Best bid and ask of each symbol; an unknown one is 404 and names itself."""
    found = [quote_view(await desk.quote(symbol, query.name)) for symbol in query.symbols]
    return list_reply(request, found, None)


@router.get("/book", operation_id="get_book", responses=returns(BookView, "The book.") | problems(*VENUE))
async def get_book(desk: DeskDep, query: Annotated[BookQuery, Query()]) -> Response:
    """The order book of one symbol, as soon as it may be believed; it is kept for a while, so that asking again is cheap."""
    return reply(book_view(await desk.book(query.symbol, depth=query.depth, profile=query.name), query.depth))


@router.get("/bars", operation_id="get_bars", responses=returns(BarsView, "Bars, oldest first.") | problems(*VENUE))
async def get_bars(door: DoorDep, desk: DeskDep, query: Annotated[BarsQuery, Query()]) -> Response:
    """Bars of one symbol: the first ones from `start` on, or, without one, the last ones before `end`."""
    start, end = query.bounds(door.clock.now())
    series = await desk.bars(
        query.symbol, span_s=query.span_s, start=start, end=end, limit=query.asked, profile=query.name
    )
    return reply(bars_view(series, query.limit))


@router.get(
    "/options/chain", operation_id="get_option_chain", responses=returns(ChainView, "The chain.") | problems(*VENUE)
)
async def get_option_chain(desk: DeskDep, query: Annotated[ChainQuery, Query()]) -> Response:
    """Options of one expiration with their quotes, by strike, and every day on which options on the share expire."""
    return reply(chain_view(await desk.option_chain(query.underlying, query.expiry, query.name), query.right))


@router.get("/options/size", operation_id="size_option", responses=returns(SizeView, "The size.") | problems(*VENUE))
async def size_option(desk: DeskDep, query: Annotated[SizeQuery, Query()]) -> Response:
    """How many contracts a budget buys, or how many puts protect shares; nothing is reserved or sent."""
    return reply(size_view(await desk.option_size(query.ask, query.name)))


@router.get(
    "/market-hours", operation_id="get_market_hours", responses=returns(HoursView, "The day.") | problems(*VENUE)
)
async def get_market_hours(door: DoorDep, desk: DeskDep, query: Annotated[HoursQuery, Query()]) -> Response:
    """One day of one market; today by default."""
    day = query.day or door.clock.now().date()
    return reply(hours_view(await desk.market_hours(query.market, day, query.name)))
