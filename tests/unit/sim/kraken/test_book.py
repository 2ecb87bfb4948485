"""The order book channel: its proof, its upkeep to every depth, and what is spoiled on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from floorbroker_sim.kraken.info import PAIRS
from floorbroker_sim.kraken.rest.ladder import Book, Level, checksum
from tests.unit.sim.kraken.conftest import Desk, Line, channel


class Reader:
    """A client's book, kept by the document: apply every level in order, cut to the depth, then compare."""

    def __init__(self, symbol: str, depth: int) -> None:
        self.pair = PAIRS[symbol]
        self.depth = depth
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}
        self.proofs: list[bool] = []

    def take(self, message: dict[str, Any]) -> None:
        [row] = message["data"]
        if message["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        for side, levels in self.sides.items():
            for level in row[side]:
                if level["qty"]:
                    levels[level["price"]] = level["qty"]
                else:
                    levels.pop(level["price"], None)
            kept = sorted(levels, reverse=side == "bids")[: self.depth]
            self.sides[side] = {price: levels[price] for price in kept}
        self.proofs.append(self.proof() == row["checksum"])

    def proof(self) -> int:
        text = ""
        for side in ("asks", "bids"):
            for price, qty in list(self.sides[side].items())[:10]:
                text += self.digits(price, self.pair.price_decimals) + self.digits(qty, self.pair.lot_decimals)
        return crc32(text.encode())

    @staticmethod
    def digits(value: Decimal, decimals: int) -> str:
        return f"{value:.{decimals}f}".replace(".", "").lstrip("0")


def subscribe(desk: Desk, depth: int = 10, symbol: str = "BTC/USD", **params: Any) -> tuple[Line, Reader]:
    line, reader = desk.socket(), Reader(symbol, depth)
    answer = line.say("subscribe", {"channel": "book", "symbol": [symbol], "depth": depth, **params}, req_id=2)
    for message in channel(answer, "book"):
        reader.take(message)
    return line, reader


def test_the_published_checksums_come_out(contracts_dir: Path) -> None:
    document = json.loads((contracts_dir / "kraken" / "vectors.json").read_text("utf-8"))
    vectors = [vector for vector in document["vectors"] if vector["kind"] == "kraken-book-crc32"]
    assert {vector["expected"] for vector in vectors} == {3310070434, 974947235}
    for vector in vectors:
        scales = vector["price_precision"], vector["qty_precision"]

        def side(levels: list[list[str]], scales: tuple[int, int] = scales) -> tuple[Level, ...]:
            return tuple(
                Level(*(int(Decimal(v).scaleb(s)) for v, s in zip(row, scales, strict=True))) for row in levels
            )

        assert checksum(Book(bids=side(vector["bids"]), asks=side(vector["asks"]))) == vector["expected"]


@pytest.mark.parametrize("depth", [10, 25, 100, 500, 1000])
@pytest.mark.parametrize("symbol", ["BTC/USD", "DOGE/USD", "ETH/BTC"])
def test_a_reader_that_follows_the_document_agrees_with_every_proof(
    new_desk: Callable[..., Desk], depth: int, symbol: str
) -> None:
    desk = new_desk()
    line, reader = subscribe(desk, depth, symbol)
    for _ in range(30):
        desk.wait(1)
        for message in channel(line.heard(), "book"):
            assert message["type"] == "update"
            reader.take(message)
    assert len(reader.proofs) > 20
    assert all(reader.proofs)
    assert len(reader.sides["bids"]) == len(reader.sides["asks"]) == depth
    assert max(reader.sides["bids"]) < min(reader.sides["asks"])


def test_a_price_set_by_hand_is_the_exact_top(desk: Desk) -> None:
    line, reader = subscribe(desk)
    desk.price("64000.5", "64000.8")
    for message in channel(line.heard(), "book"):
        reader.take(message)
    assert (max(reader.sides["bids"]), min(reader.sides["asks"])) == (Decimal("64000.5"), Decimal("64000.8"))
    assert all(reader.proofs)


def test_numbers_are_written_in_fixed_point_at_the_pairs_precision(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    line = desk.socket()
    line.session.received(json.dumps({"method": "subscribe", "params": {"channel": "book", "symbol": ["DOGE/USD"]}}))
    text = "".join(line.texts())
    assert "e-" not in text.lower()
    assert re.findall(r'"price":(\d+\.\d+)', text) == re.findall(r'"price":(\d+\.\d{7})[,}]', text)
    assert re.findall(r'"qty":(\d+\.\d+)', text) == re.findall(r'"qty":(\d+\.\d{8})[,}]', text)


def test_books_change_with_time_even_under_a_price_set_by_hand(desk: Desk) -> None:
    line, _ = subscribe(desk)
    desk.wait(30)
    assert channel(line.heard(), "book")


def test_updates_carry_a_time_and_the_snapshot_none(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    line = desk.socket()
    ack, snapshot = line.say("subscribe", {"channel": "book", "symbol": ["BTC/USD"]}, req_id=5)[1:]
    assert ack["result"] == {"channel": "book", "symbol": "BTC/USD", "depth": 10, "snapshot": True}
    assert "timestamp" not in snapshot["data"][0]
    desk.wait(1)
    assert channel(line.heard(), "book")[0]["data"][0]["timestamp"] == "2026-03-02T15:00:01.000000Z"


def test_without_a_snapshot_only_changes_come(new_desk: Callable[..., Desk]) -> None:
    line, reader = subscribe(new_desk(), snapshot=False)
    assert reader.proofs == []
    line.desk.wait(1)
    assert channel(line.heard(), "book")[0]["type"] == "update"


def test_two_depths_of_one_book_are_two_subscriptions(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    line, _ = subscribe(desk)
    again = line.say("subscribe", {"channel": "book", "symbol": ["BTC/USD"], "depth": 10})
    assert [frame["error"] for frame in again] == ["Already subscribed"]
    assert line.say("subscribe", {"channel": "book", "symbol": ["BTC/USD"], "depth": 25})[0]["success"]
    assert line.say("unsubscribe", {"channel": "book", "symbol": ["BTC/USD"], "depth": 25})[0]["success"]
    assert line.say("unsubscribe", {"channel": "book", "symbol": ["BTC/USD"], "depth": 25})[0]["success"] is False


def test_a_depth_that_is_not_offered_is_refused(desk: Desk) -> None:
    answer = desk.socket().say("subscribe", {"channel": "book", "symbol": ["BTC/USD"], "depth": 11})[-1]
    assert (answer["error"], answer["symbol"]) == ("Subscription depth not supported", "BTC/USD")


# --- On demand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["checksum", "drop"])
@pytest.mark.parametrize("depth", [10, 100])
def test_one_update_is_spoiled_and_a_new_subscription_heals_it(
    new_desk: Callable[..., Desk], what: str, depth: int
) -> None:
    desk = new_desk()
    line, reader = subscribe(desk, depth)
    assert desk.door("POST", "/book", {"symbol": "BTC/USD", "what": what}) == (204, None)
    for _ in range(20):
        desk.wait(1)
        for message in channel(line.heard(), "book"):
            reader.take(message)
        if not reader.proofs[-1]:
            break
    assert reader.proofs[-1] is False
    params = {"channel": "book", "symbol": ["BTC/USD"], "depth": depth}
    line.say("unsubscribe", params)
    for message in channel(line.say("subscribe", params), "book"):
        reader.take(message)
    for _ in range(10):
        desk.wait(1)
        for message in channel(line.heard(), "book"):
            reader.take(message)
    assert all(reader.proofs[-10:])


def test_a_spoiled_book_leaves_the_others_alone(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    line, reader = subscribe(desk, symbol="ETH/USD")
    other, _ = subscribe(desk)
    desk.door("POST", "/book", {"symbol": "BTC/USD", "what": "checksum"})
    for _ in range(5):
        desk.wait(1)
        for message in channel(line.heard(), "book"):
            reader.take(message)
    assert all(reader.proofs)
    assert other.heard()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"symbol": "BTC/USD", "what": "checksum"}, 409),
        ({"symbol": "FOO/BAR", "what": "drop"}, 409),
        ({"symbol": "BTC/USD", "what": "fire"}, 422),
        ({"symbol": "BTC/USD"}, 422),
        ({"symbol": "BTC/USD", "what": "drop", "how": "hard"}, 422),
        ([], 422),
    ],
)
def test_the_door_refuses_what_cannot_be_spoiled(desk: Desk, body: Any, status: int) -> None:
    assert desk.door("POST", "/book", body)[0] == status
