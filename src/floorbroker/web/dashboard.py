"""The decision log, followed live in Streamlit: a program of its own that reads one file and writes nothing.

Streamlit, which the extra `dashboard` brings, runs this file (`floorbroker dashboard`); `FLOORBROKER_DECISIONS` names the log.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.strategy.bots import broken_line, newest

FILE = "FLOORBROKER_DECISIONS"
SHOWN_MAX = 1_000
EVERY_S = 2
COLUMNS = ("time", "bot", "act", "side", "quantity", "symbol", "price", "became", "why")
Line = Mapping[str, Any]


def row_of(line: Line) -> dict[str, str]:
    """One decision as the table shows it."""
    order = cast("Line", line.get("order") or {})
    told = (
        line.get("time"), line.get("bot") or line.get("strategy"), line.get("act"), order.get("side"),
        order.get("quantity") or order.get("notional"), order.get("symbol"), order.get("limit_price"),
        line.get("refused") or line.get("ord_status"), line.get("agent_reasoning"),
    )  # fmt: skip
    return dict(zip(COLUMNS, (str(value or "") for value in told), strict=True))


def counts_of(lines: Sequence[Line]) -> dict[str, int]:
    """How often decisions became what, the commonest first."""
    return dict(Counter(row_of(line)["became"] or "no order" for line in lines).most_common())


def names_of(lines: Sequence[Line]) -> list[str]:
    """The bots and strategies in these lines."""
    return sorted({row_of(line)["bot"] for line in lines} - {""})


def _streamlit() -> Any:
    """The library, which is loaded where it is used."""
    return import_module("streamlit")


def show() -> None:
    """The whole page; Streamlit calls it for every visit."""
    st = _streamlit()
    st.set_page_config(page_title="Floorbroker decisions", layout="wide")
    st.title("Decisions")
    path = Path(os.environ.get(FILE, "decisions.jsonl"))
    st.caption(f"{path}, read every {EVERY_S} s; nothing is written.")
    bot = st.sidebar.text_input("Bot or strategy", help="Empty: all of them.")
    count = int(st.sidebar.number_input("Decisions shown", min_value=10, max_value=SHOWN_MAX, value=200, step=10))
    if st.sidebar.button("Verify the chain"):
        broken = broken_line(path)
        told = "Every line is as it was written." if broken is None else f"Line {broken} is not what was written."
        (st.sidebar.success if broken is None else st.sidebar.error)(told)
    st.fragment(lambda: _followed(path, bot.strip(), count), run_every=EVERY_S)()


def _followed(path: Path, bot: str, count: int) -> None:
    """The part that is drawn anew."""
    st = _streamlit()
    try:
        page = newest(path, limit=count, wanted=lambda line: bot in ("", line.get("bot"), line.get("strategy")))
    except ConfigInvalid as error:
        st.error(error.detail)
        return
    if not page.lines:
        st.info("No decision yet. A bot writes one for every wish: floorbroker bot run.")
        return
    for column, (name, number) in zip(
        st.columns(4), [("shown", len(page.lines)), *counts_of(page.lines).items()], strict=False
    ):
        column.metric(name, number)
    st.caption(f"Bots: {', '.join(names_of(page.lines))}")
    st.dataframe([row_of(line) for line in page.lines], width="stretch", hide_index=True)
    st.subheader("The newest, with what it looked at")
    st.json(dict(page.lines[0]))


if __name__ == "__main__":
    show()
