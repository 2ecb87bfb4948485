"""Raw book frames of three venues, by the Python readers and books and, where it is installed, by the native core too.

An input is the form of the frames and then one frame a line; a line that begins with `whole ` is a whole book asked for beside
the stream.
"""

from __future__ import annotations

from floorbroker.domain.capability import BookProof, BookRules
from floorbroker.marketdata.frames import Unread
from floorbroker.marketdata.native import CODES, core
from floorbroker.marketdata.readings import BookState
from floorbroker.marketdata.shelf import Shelf
from tests.fuzz.target import Target

RULES = (
    BookRules(proof=BookProof.CHAIN, asked=True, frames="binance"),
    BookRules(proof=BookProof.STEP, frames="bybit"),
    BookRules(proof=BookProof.CRC32, cut=True, frames="kraken"),
)
BY_NAME = {rules.frames.encode(): rules for rules in RULES}
CORE = core()
DEPTH = 10
NESTED = (b"[" * 100, b'{"a":' * 100)  # how deep nonsense may be nested is each reader's own affair


def one_input(data: bytes) -> object:
    """What became of each frame; a book that may be believed never bids what it asks, and both kinds say the same."""
    name, *frames = data.split(b"\n")
    rules = BY_NAME.get(name, RULES[len(name) % len(RULES)])
    depth = DEPTH if rules.cut else None
    shelf = Shelf(rules, depth=depth)
    native = None if CORE is None else CORE.Books(rules.frames, rules.proof.value, depth=depth)
    told: list[object] = []
    for frame in frames:
        body = frame.removeprefix(b"whole ")
        is_whole = len(body) < len(frame)
        verdict = shelf.whole("BTCUSDT", body) if is_whole else shelf.apply(frame)
        told.append(verdict)
        if native is not None and any(nest in frame for nest in NESTED):
            native = None
        if native is not None:
            code = native.whole("BTCUSDT", body) if is_whole else native.apply(frame)
            assert CODES[code] is verdict, f"{CODES[code]} by the core, {verdict} by Python"
    for symbol, book in shelf.books.items():
        if book.state is BookState.FRESH:
            bid, ask = book.best_raw()
            assert bid is None or ask is None or bid[0] < ask[0], "it bids no less than it asks"
            assert native is None or native.book(symbol).best() == (bid, ask)
    return [verdict for verdict in told if verdict is not Unread.NOT_A_BOOK] or "nothing about a book"


TARGET = Target(name="books", one_input=one_input, declared=())
