"""Facts of the embedded paper venue as data: abilities, options, what it lists.

It plays a broker inside this process: it has a truth of its own, which outlives us, and it answers like a venue would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from types import MappingProxyType

from floorbroker.domain.capability import BookProof, BookRules, BrokerInfo, Can, Etiquette, IdentityClass, OptionField
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import wrong_option
from floorbroker.domain.instrument import Instrument, OptionContract, TickRule, asset_class_of, quote_of
from floorbroker.domain.values import AssetClass, Environment, OrderClass, OrderType, TimeInForce

CURRENCY = "USD"
_NINE = Decimal("0.000000001")
_ALL_TYPES = frozenset(OrderType)
_ALL_TIFS = frozenset(TimeInForce)


def _choice(name: str, about: str, *choices: str) -> OptionField:
    return OptionField(name=name, help=about, default=choices[0], choices=choices)


def _whole(name: str, about: str, default: str, *, least: int = 0) -> OptionField:
    return OptionField(name=name, help=about, default=default, whole=True, least=Decimal(least))


def _amount(name: str, about: str, default: str, *, least: int = 0) -> OptionField:
    return OptionField(name=name, help=about, default=default, least=Decimal(least))


def _percent(name: str, about: str) -> OptionField:
    return OptionField(name=name, help=about, default="0", most=Decimal(100))


INFO = BrokerInfo(
    code="PAPER",
    folder="paper",
    market="XNYS",
    name="Paper",
    environments=(Environment.PAPER,),
    can=frozenset(Can) - {Can.PREVIEW, Can.DEAD_MAN, Can.LOGIN},
    order_types=MappingProxyType(
        {
            AssetClass.EQUITY: _ALL_TYPES,
            AssetClass.OPTION: _ALL_TYPES,
            AssetClass.CRYPTO: _ALL_TYPES,
            AssetClass.FX: _ALL_TYPES,
            AssetClass.PERPETUAL: _ALL_TYPES,
        }
    ),
    tifs=MappingProxyType(
        {
            AssetClass.EQUITY: _ALL_TIFS,
            AssetClass.OPTION: _ALL_TIFS,
            AssetClass.CRYPTO: _ALL_TIFS,
            AssetClass.FX: _ALL_TIFS,
            AssetClass.PERPETUAL: _ALL_TIFS,
        }
    ),
    order_classes=frozenset(OrderClass),
    identity=IdentityClass.A,
    # The venue turns away what was on its way for longer.
    arrival_bound_s=2.0,
    bound_enforced=True,
    visibility_lag_s=0.0,
    options=(
        _amount("cash", "What the account begins with, in USD.", "100000"),
        _amount("leverage", "How many times its equity the account may hold.", "2", least=1),
        _whole("seed", "Prices and mishaps are drawn from it.", "1"),
        _choice("source", "Prices from the seeded walk, or only those that a program feeds.", "seeded", "fed"),
        _choice("hours", "Open at any hour, or by each market's calendar.", "always", "real"),
        _choice("liquidity", "Whether fills look at the displayed size.", "unlimited", "displayed"),
        _whole("latency_min_ms", "The quickest answer.", "5"),
        _whole("latency_max_ms", "The slowest answer.", "25"),
        _whole("step_ms", "How often the price walk moves.", "1000", least=1),
        _whole("slippage_ticks", "How many ticks worse a market order fills.", "0"),
        _amount("fee_per_share", "What each share costs, in the currency of its price.", "0"),
        _percent("reject_percent", "Orders that are refused."),
        _percent("lost_reply_percent", "Orders that are taken while the answer never comes."),
        _percent("lost_request_percent", "Orders that never arrive."),
        _percent("duplicate_event_percent", "Order events that come twice."),
        _percent("late_event_percent", "Order events that come late."),
        _whole("late_ms", "How late those come.", "2000"),
    ),
    book=BookRules(proof=BookProof.NONE, depths=(5,)),
    etiquette=Etiquette(session_rules=("It lives in this process: nothing is counted and nothing is reset.",)),
    withdrawals="There is no key, and no money that could leave.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a profile; what each means stands in `INFO.options`.

    Percentages are chances for each order, drawn from `seed`; all of them are zero unless asked for.
    """

    cash: Decimal = Decimal(100_000)
    leverage: Decimal = Decimal(2)
    seed: int = 1
    source: str = "seeded"
    hours: str = "always"
    liquidity: str = "unlimited"
    latency_min_ms: int = 5
    latency_max_ms: int = 25
    step_ms: int = 1_000
    slippage_ticks: int = 0
    fee_per_share: Decimal = Decimal(0)
    reject_percent: Decimal = Decimal(0)
    lost_reply_percent: Decimal = Decimal(0)
    lost_request_percent: Decimal = Decimal(0)
    duplicate_event_percent: Decimal = Decimal(0)
    late_event_percent: Decimal = Decimal(0)
    late_ms: int = 2_000

    @property
    def is_seeded(self) -> bool:
        return self.source == "seeded"


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    if wrong := wrong_option(INFO.options, given):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    read: dict[str, object] = {
        field.name: type(field.default)(given[field.name]) for field in fields(Options) if field.name in given
    }
    options = Options(**read)  # pyright: ignore[reportArgumentType] - each value has the type of its default
    if options.latency_max_ms < options.latency_min_ms:
        raise ConfigInvalid("latency_max_ms is below latency_min_ms")
    if options.cash <= 0:
        raise ConfigInvalid("cash is more than nothing")
    return options


def instrument_for(symbol: str) -> Instrument:
    """The venue's rules for a symbol, which follow from its spelling."""
    match asset_class_of(symbol):
        case AssetClass.OPTION:
            return _option(symbol)
        case AssetClass.CRYPTO:
            return Instrument(
                symbol=symbol,
                asset_class=AssetClass.CRYPTO,
                currency=quote_of(symbol),
                ticks=(
                    TickRule(from_price=Decimal(0), tick=Decimal("0.00000001")),
                    TickRule(from_price=Decimal(1), tick=Decimal("0.01")),
                ),
                lot=_NINE,
                min_qty=_NINE,
                fraction=_NINE,
                calendar="24x7",
            )
        case AssetClass.PERPETUAL:
            return Instrument(
                symbol=symbol,
                asset_class=AssetClass.PERPETUAL,
                currency=quote_of(symbol),
                lot=_NINE,
                min_qty=_NINE,
                fraction=_NINE,
                calendar="24x7",
                shortable=True,
                marginable=True,
            )
        case AssetClass.FX:
            return Instrument(
                symbol=symbol,
                asset_class=AssetClass.FX,
                currency=quote_of(symbol),
                ticks=(TickRule(from_price=Decimal(0), tick=Decimal("0.00001")),),
                calendar="FX",
                shortable=True,
                marginable=True,
            )
        case _:
            return _share(symbol)


def _share(symbol: str) -> Instrument:
    """Sub-penny prices below one dollar (Regulation NMS, rule 612)."""
    return Instrument(
        symbol=symbol,
        asset_class=AssetClass.EQUITY,
        currency=CURRENCY,
        ticks=(
            TickRule(from_price=Decimal(0), tick=Decimal("0.0001")),
            TickRule(from_price=Decimal(1), tick=Decimal("0.01")),
        ),
        min_notional=Decimal(1),
        fraction=_NINE,
        shortable=True,
        marginable=True,
    )


def _option(symbol: str) -> Instrument:
    contract = OptionContract.parse(symbol)
    assert contract is not None
    return Instrument(
        symbol=contract.symbol,
        asset_class=AssetClass.OPTION,
        currency=CURRENCY,
        multiplier=Decimal(100),
        shortable=True,
    )
