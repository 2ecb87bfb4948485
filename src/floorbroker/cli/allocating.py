"""`research allocate`: target weights, and the orders that would bring several brokers there.  Preview first.

The proposal is kept under the digest of its orders.  `--submit DIGEST` sends exactly those, each under a key made of the digest,
so that none is placed twice; a proposal is good for a quarter of an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import CONFLICT, NOT_FOUND, SOME, Trouble, usage
from floorbroker.cli.researching import AsOf, BudgetMb, Data, Seed, Source, UniverseName, asked_of, end, researching
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_list
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.values import NotExact, Word, decimal_of, time_text

if TYPE_CHECKING:
    from floorbroker.cli.reach import Reached
    from floorbroker.research.accounts import Account
    from floorbroker.research.rebalance import Proposal

GOOD_FOR = timedelta(minutes=15)
READY = "ready"
ORDERS = (
    Column("PROFILE", "profile"),
    Column("SIDE", "side"),
    Column("SYMBOL", "symbol"),
    Column("QTY", "quantity", right=True),
    Column("LIMIT", "limit_price", right=True),
    Column("VALUE", "value", right=True),
    Column("FEE", "fee", right=True),
    Column("PREVIEW", "preview"),
)
SENT = (
    Column("PROFILE", "profile"),
    Column("SIDE", "side"),
    Column("SYMBOL", "symbol"),
    Column("QTY", "quantity", right=True),
    Column("ID", "id"),
    Column("STATUS", "status"),
)


class MethodWord(Word):
    """How weights are found."""

    MEAN_VARIANCE = "mean_variance"
    RISK_PARITY = "risk_parity"
    HIERARCHICAL = "hierarchical"


Amount = Annotated[str, typer.Option(help="A number.")]


def allocate(
    ctx: typer.Context,
    *,
    universe: UniverseName = "recorded",
    source: Source = "",
    as_of: AsOf = None,
    data: Data = None,
    seed: Seed = 0,
    budget_mb: BudgetMb = 2048,
    method: Annotated[MethodWord, typer.Option(help="How weights are found.")] = MethodWord.RISK_PARITY,
    sessions: Annotated[int, typer.Option(min=60, max=2_520, help="Sessions of returns to learn from.")] = 252,
    least: Annotated[str, typer.Option(help="The least weight of a symbol.")] = "0",
    most: Annotated[str, typer.Option(help="The most weight of a symbol.")] = "1",
    sector_most: Annotated[str, typer.Option(help="The most weight of a sector.")] = "1",
    accounts: Annotated[
        Path | None, typer.Option(help="A TOML file of accounts; the ready profiles of the desk without.")
    ] = None,
    reserve_percent: Annotated[str, typer.Option(help="The part of the whole that stays cash.")] = "2",
    leverage: Annotated[str, typer.Option(help="How many times its equity an account may hold.")] = "1",
    least_value: Annotated[str, typer.Option(help="The smallest difference worth an order.")] = "100",
    collar_bps: Annotated[str, typer.Option(help="How far limit prices are from the price, in basis points.")] = "50",
    sell_others: Annotated[bool, typer.Option("--sell-others", help="Sell what is not in the portfolio.")] = False,
    submit: Annotated[
        str | None, typer.Option(help="Send the proposal with this digest; nothing else is done.")
    ] = None,
) -> None:
    """Target weights of a portfolio and the orders towards it, as a preview; --submit DIGEST sends them.

    Exit code 10 when history or prices are missing, or when an order was not taken.
    """
    settings = settings_of(ctx)
    if submit is not None:
        _submit(settings, submit)
        return
    from floorbroker.research.allocation import Bounds
    from floorbroker.research.rebalance import Rules

    asked = asked_of(universe, source, as_of, data, seed, budget_mb)
    bounds = Bounds(
        least=_number("--least", least), most=_number("--most", most), sector_most=_number("--sector-most", sector_most)
    )  # fmt: skip
    rules = Rules(
        reserve=_number("--reserve-percent", reserve_percent) / 100, leverage=_number("--leverage", leverage),
        least=_number("--least-value", least_value), collar_bps=_number("--collar-bps", collar_bps),
        sells_others=sell_others,
    )  # fmt: skip
    found, closes = researching(
        settings,
        asked,
        lambda here: here.allocate(asked, method=method.value, sessions=sessions, bounds=bounds),
    )
    weights = {symbol: Decimal(text) for symbol, text in found.weights.items() if Decimal(text) > 0}
    document = _proposed(settings, weights, closes, rules, accounts)
    document = {"allocation": _plain(found), **document}
    _keep(settings, document)
    _show(settings, document)
    for symbol, why in found.left_out.items():
        say(settings, f"{symbol} is left out: {why}")
    end(settings, found.quality, is_whole=not found.quality and not found.left_out)


def _number(flag: str, text: str) -> Decimal:
    try:
        number = decimal_of(text)
    except NotExact as error:
        raise usage(f"{flag} {text}: {error}") from error
    if number < 0:
        raise usage(f"{flag} {text}: it is not below zero")
    return number


def _plain(value: object) -> Any:
    import msgspec

    return msgspec.to_builtins(value)


def _proposed(
    settings: Settings, weights: dict[str, Decimal], closes: dict[str, Decimal], rules: Any, accounts: Path | None
) -> dict[str, Any]:
    """The proposal for accounts of a file at the last closes, or for the desk's own at its quotes."""
    from floorbroker.research.accounts import read_accounts
    from floorbroker.research.rebalance import propose

    if accounts is not None:
        proposal = propose(weights, read_accounts(accounts), closes, rules)
        return {"from": str(accounts), "environment": None, "proposal": _plain(proposal), "previews": []}
    from floorbroker.cli.reach import on_desk

    fees = _fees(settings)

    async def work(desk: Reached) -> dict[str, Any]:
        held = await _accounts(desk, fees)
        prices = await _prices(desk, {*weights, *(one for account in held.values() for one in account.positions)})
        proposal = propose(weights, held, prices, rules)
        previews = [await _preview(desk, body) for body in bodies(proposal)]
        return {
            "from": "desk", "environment": desk.client.environment, "proposal": _plain(proposal), "previews": previews,
        }  # fmt: skip

    return on_desk(settings, work)


def _fees(settings: Settings) -> dict[str, tuple[Decimal, Decimal]]:
    """As routes reckon with them."""
    from floorbroker.app.config import load

    venues = load(settings.open_home(), path=settings.config).routing.venues
    return {name: (one.fee_bps, one.fee_per_unit) for name, one in venues.items()}


async def _accounts(desk: Reached, fees: dict[str, tuple[Decimal, Decimal]]) -> dict[str, Account]:
    """Every ready profile, or the one that is named; currencies are not mixed."""
    from floorbroker.research.accounts import Account

    found: dict[str, Account] = {}
    currencies: set[str] = set()
    for profile in await desk.client.profiles():
        if (desk.profile is not None and profile.name != desk.profile) or profile.state.lower() != READY:
            continue
        account = await desk.client.account(profile.name)
        held = await desk.client.positions(profile.name)
        fee_bps, fee_per_unit = fees.get(profile.name, (Decimal(0), Decimal(0)))
        currencies.add(account.currency)
        found[profile.name] = Account(
            cash=Decimal(account.cash), equity=Decimal(account.equity), buying_power=Decimal(account.buying_power),
            fee_bps=max(fee_bps, Decimal(0)), fee_per_unit=max(fee_per_unit, Decimal(0)),
            positions={one.symbol: Decimal(one.quantity) for one in held},
        )  # fmt: skip
    if len(currencies) > 1:
        raise usage(f"the accounts are in {', '.join(sorted(currencies))}: name one with --profile")
    return found


async def _prices(desk: Reached, symbols: set[str]) -> dict[str, Decimal]:
    """The middle of each quote, or the last trade; who has neither has no price."""
    from floorbroker.client import DeskError

    found: dict[str, Decimal] = {}
    for symbol in sorted(symbols):
        try:
            quote = await desk.client.quote(symbol, desk.profile)
        except DeskError:
            continue
        if quote.bid is not None and quote.ask is not None:
            found[symbol] = (Decimal(quote.bid) + Decimal(quote.ask)) / 2
        elif quote.last is not None:
            found[symbol] = Decimal(quote.last)
    return found


def bodies(proposal: Proposal) -> list[dict[str, str]]:
    """The orders as the REST door takes them."""
    return [
        {
            "symbol": one.symbol, "side": one.side, "type": "limit", "quantity": one.quantity,
            "limit_price": one.limit_price, "time_in_force": "day", "profile": one.profile,
            "strategy": "allocation", "reason": f"allocation {proposal.digest[:8]}",
        }
        for one in proposal.orders
    ]  # fmt: skip


async def _preview(desk: Reached, body: dict[str, str]) -> dict[str, Any]:
    found = await desk.client.preview(body)
    against = [one.detail for one in found.verdicts if not one.ok] + [one.get("detail", "") for one in found.objections]
    return {"ok": found.ok, "against": against}


def _keep(settings: Settings, document: dict[str, Any]) -> None:
    """Under the digest of its orders, for `--submit`."""
    import msgspec

    from floorbroker.research.shelf import write

    digest = document["proposal"]["digest"]
    kept = {**document, "made_at": time_text(SystemClock().now())}
    raw = msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n"
    write(settings.open_home().data / "proposals" / f"{digest[:16]}.json", raw)


def _show(settings: Settings, document: dict[str, Any]) -> None:
    proposal, previews = document["proposal"], document["previews"]
    if settings.json:
        show_json(document)
    else:
        told = [
            {**order, "preview": ("ok" if seen["ok"] else "; ".join(seen["against"])) if seen is not None else None}
            for order, seen in zip(proposal["orders"], previews or [None] * len(proposal["orders"]), strict=True)
        ]
        show_list(settings, told, ORDERS, empty="nothing to order: the portfolio is as it should be")
    for one in proposal["rest"]:
        say(settings, f"{one['symbol']} {one['quantity']}: {one['reason']}")
    if proposal["orders"] and document["from"] == "desk":
        say(
            settings,
            f"nothing was sent. Send exactly this: floorbroker research allocate --submit {proposal['digest'][:16]}",
        )


# --- Sending ----------------------------------------------------------------------------------------------------------


def _submit(settings: Settings, digest: str) -> None:
    """Send a kept proposal: sales first, each order once."""
    import msgspec

    from floorbroker.cli.reach import on_desk
    from floorbroker.research.rebalance import Proposal, digest_of

    path = settings.open_home().data / "proposals" / f"{digest[:16]}.json"
    if not digest.isalnum() or len(digest) < 16 or not path.is_file():
        raise Trouble(code="not_found", detail=f"no proposal {digest}", exit_code=NOT_FOUND, fix="make one first")
    document: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    proposal = msgspec.convert(document["proposal"], type=Proposal)
    if not digest_of(proposal.orders).startswith(digest[:16]):
        raise Trouble(code="conflict", detail="the kept proposal was changed", exit_code=CONFLICT, fix="make one anew")
    _check_submit(document)

    async def work(desk: Reached) -> list[dict[str, Any]]:
        if desk.client.environment != document["environment"]:
            told = f"the proposal is of {document['environment']}, this desk is of {desk.client.environment}"
            raise Trouble(code="conflict", detail=told, exit_code=CONFLICT, fix="say --env")
        return [await _send(desk, body, f"allocate-{digest[:16]}-{at}") for at, body in enumerate(bodies(proposal))]

    rows = on_desk(settings, work)
    show_list(settings, rows, SENT, empty="there was nothing to send")
    if any(one["id"] is None for one in rows):
        raise typer.Exit(SOME)


def _check_submit(document: dict[str, Any]) -> None:
    made_at = datetime.fromisoformat(document["made_at"])
    if document["from"] != "desk":
        raise usage("that proposal is for accounts of a file: make one for the desk")
    if SystemClock().now() - made_at > GOOD_FOR:
        raise Trouble(
            code="conflict", detail=f"the proposal of {document['made_at']} is older than a quarter of an hour",
            exit_code=CONFLICT, fix="look at a new one: floorbroker research allocate",
        )  # fmt: skip


async def _send(desk: Reached, body: dict[str, str], key: str) -> dict[str, Any]:
    """One order under its own key; a refusal is told and hides nothing of the others."""
    from floorbroker.client import DeskError, NoAnswer

    try:
        order = await desk.client.submit(body, key=key)
    except NoAnswer as error:
        told = f"{error}: send the same proposal again, no order is placed twice"
        return {**body, "id": None, "status": told}
    except DeskError as error:
        return {**body, "id": None, "status": str(error)}
    return {**body, "id": order.id, "status": order.ord_status}
