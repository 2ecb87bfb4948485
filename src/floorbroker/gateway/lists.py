"""Lists of orders and fills over several books: those in memory and those that are sealed, as one sorted sequence.

Rows are fetched as they are asked for, so a page costs what it shows and not what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import TypeVar

from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.values import IntentId
from floorbroker.gateway.desk import Fill, OrderFilter, Page
from floorbroker.gateway.views import fits
from floorbroker.oms.archive import micros
from floorbroker.oms.book import OrderBook
from floorbroker.store.seals import Where

Key = tuple[datetime, str]
T = TypeVar("T")
CHUNK = 200


def listed_orders(books: Iterable[OrderBook], where: OrderFilter, page: Page | None) -> list[Order]:
    """Orders that pass a filter, by (created, intent)."""
    return _listed(list(books), where, page, key=_order_key, mine=_orders_in_memory, sealed=_sealed_orders)


def listed_fills(books: Iterable[OrderBook], where: OrderFilter, page: Page | None) -> list[Fill]:
    """Fills of orders that pass a filter, by (time, "intent/execution")."""
    return _listed(list(books), where, page, key=_fill_key, mine=_fills_in_memory, sealed=_sealed_fills)


def _listed(
    books: list[OrderBook],
    where: OrderFilter,
    page: Page | None,
    *,
    key: Callable[[T], Key],
    mine: Callable[[OrderBook, OrderFilter], list[T]],
    sealed: Callable[[OrderBook, OrderFilter, bool, Key | None], Iterator[T]],
) -> list[T]:
    archives = [book.archive for book in books]
    rows = _rows(books, where, page, key=key, mine=mine, sealed=sealed)
    if any(
        was is not book.archive for was, book in zip(archives, books, strict=True)
    ):  # seals that had to be given up on the way: all is in memory now
        rows = _rows(books, where, page, key=key, mine=mine, sealed=sealed)
    return rows


def _rows(
    books: list[OrderBook],
    where: OrderFilter,
    page: Page | None,
    *,
    key: Callable[[T], Key],
    mine: Callable[[OrderBook, OrderFilter], list[T]],
    sealed: Callable[[OrderBook, OrderFilter, bool, Key | None], Iterator[T]],
) -> list[T]:
    newest_first, after = (True, None) if page is None else (page.newest_first, page.after)
    rows: list[Iterable[T]] = []
    for book in books:
        if where.profile is None or where.profile == book.profile:
            behind = [row for row in mine(book, where) if after is None or _is_behind(key(row), after, newest_first)]
            rows += [sorted(behind, key=key, reverse=newest_first), sealed(book, where, newest_first, after)]
    return list(islice(merge(*rows, key=key, reverse=newest_first), page.limit if page is not None else None))


def _is_behind(key: Key, after: Key, newest_first: bool) -> bool:  # noqa: FBT001 - a direction
    return key < after if newest_first else key > after


def _order_key(order: Order) -> Key:
    return order.created_at, order.intent_id


def _fill_key(fill: Fill) -> Key:
    return fill.execution.transact_time, f"{fill.intent_id}/{fill.execution.exec_id}"


def _orders_in_memory(book: OrderBook, where: OrderFilter) -> list[Order]:
    orders = book.open_orders() if where.open_only else book.in_memory()
    return [order for order in orders if fits(order, where)]


def _fills_in_memory(book: OrderBook, where: OrderFilter) -> list[Fill]:
    return [_fill(order, execution) for order in _orders_in_memory(book, where) for execution in order.executions]


def _fill(order: Order, execution: Execution) -> Fill:
    return Fill(intent_id=order.intent_id, profile=order.profile, strategy=order.terms.strategy, execution=execution)


def _sealed_orders(book: OrderBook, where: OrderFilter, newest_first: bool, after: Key | None) -> Iterator[Order]:  # noqa: FBT001 - a direction
    begin = None if after is None else (micros(after[0]), after[1])
    while rows := _order_rows(book, where, newest_first, begin):
        for _, intent_id in rows:
            order = None if book.holds(IntentId(intent_id)) else book.get(IntentId(intent_id))
            if order is not None and fits(order, where):
                yield order
        begin = rows[-1]


def _order_rows(
    book: OrderBook,
    where: OrderFilter,
    newest_first: bool,  # noqa: FBT001 - a direction
    begin: tuple[int, str] | None,
) -> list[tuple[int, str]]:
    if where.open_only:
        return []  # none of them is open
    found = book.guarded(
        lambda archive: archive.seals.page(_where(where), after=begin, newest_first=newest_first, limit=CHUNK)
    )
    return found or []


def _sealed_fills(book: OrderBook, where: OrderFilter, newest_first: bool, after: Key | None) -> Iterator[Fill]:  # noqa: FBT001 - a direction
    begin = None if after is None else (micros(after[0]), after[1])
    while rows := _fill_rows(book, where, newest_first, begin):
        for _, intent_id, exec_id in rows:
            order = None if book.holds(IntentId(intent_id)) else book.get(IntentId(intent_id))
            if order is not None and fits(order, where):
                yield from (_fill(order, e) for e in order.executions if e.exec_id == exec_id)
        at, intent_id, exec_id = rows[-1]
        begin = (at, f"{intent_id}/{exec_id}")


def _fill_rows(
    book: OrderBook,
    where: OrderFilter,
    newest_first: bool,  # noqa: FBT001 - a direction
    begin: tuple[int, str] | None,
) -> list[tuple[int, str, str]]:
    if where.open_only:
        return []
    found = book.guarded(
        lambda archive: archive.seals.fills_page(_where(where), after=begin, newest_first=newest_first, limit=CHUNK)
    )
    return found or []


def _where(where: OrderFilter) -> Where:
    return Where(
        statuses=None if where.statuses is None else frozenset(status.value for status in where.statuses),
        symbol=where.symbol,
        side=None if where.side is None else where.side.value,
        strategy=where.strategy,
        since=None if where.since is None else micros(where.since),
        until=None if where.until is None else micros(where.until),
    )
