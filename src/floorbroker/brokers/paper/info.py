"""Facts of the embedded paper venue as data: abilities, options, what it lists.

It plays a broker inside this process: it has a truth of its own, which outlives us, and it answers like a venue would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from types import MappingProxyType

from floorbroker.domain.capability import BrokerInfo, Can, IdentityClass
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.instrument import Instrument, OptionContract, TickRule, asset_class_of
from floorbroker.domain.values import AssetClass, Environment, NotExact, OrderClass, OrderType, TimeInForce, decimal_of

CURRENCY = "USD"
_NINE = Decimal("0.000000001")
_ALL_TYPES = frozenset(OrderType)
_ALL_TIFS = frozenset(TimeInForce)

INFO = BrokerInfo(
    code="PAPER",
    folder="paper",
    name="Paper",
    environments=(Environment.PAPER,),
    can=frozenset(Can) - {Can.PREVIEW},
    order_types=MappingProxyType(
        {
            AssetClass.EQUITY: _ALL_TYPES,
            AssetClass.OPTION: _ALL_TYPES,
            AssetClass.CRYPTO: _ALL_TYPES,
            AssetClass.FX: _ALL_TYPES,
        }
    ),
    tifs=MappingProxyType(
        {
            AssetClass.EQUITY: _ALL_TIFS,
            AssetClass.OPTION: _ALL_TIFS,
            AssetClass.CRYPTO: _ALL_TIFS,
            AssetClass.FX: _ALL_TIFS,
        }
    ),
    order_classes=frozenset(OrderClass),
    identity=IdentityClass.A,
    # The venue turns away what was on its way for longer.
    arrival_bound_s=2.0,
    bound_enforced=True,
    visibility_lag_s=0.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Profile options.  Percentages are chances for each order, drawn from `seed`; all of them are zero unless asked for.

    `hours`: `always` (open at any hour) or `real` (each market's calendar).  `liquidity`: `unlimited` or `displayed`.
    `lost_reply_percent`: the order is taken and the answer never comes; `lost_request_percent`: it never arrives.
    `step_ms` is how often the price walk moves; `source` is `seeded` or `fed` (prices come through `feed` alone).
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


OPTION_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"source": ("seeded", "fed"), "hours": ("always", "real"), "liquidity": ("unlimited", "displayed")}
)


def options_from(given: Mapping[str, str]) -> Options:
    """The typed options of a profile; raises `ConfigInvalid` for names and values we do not know."""
    known = {field.name: field.default for field in fields(Options)}
    read: dict[str, object] = {}
    for name, text in given.items():
        if name not in known:
            raise ConfigInvalid(f"the paper venue has no option {name!r}; it has {', '.join(sorted(known))}")
        read[name] = _read(name, text, known[name])
    options = Options(**read)  # pyright: ignore[reportArgumentType] - each value has the type of its default
    if options.latency_max_ms < options.latency_min_ms:
        raise ConfigInvalid("latency_max_ms is below latency_min_ms")
    if options.step_ms < 1 or options.cash <= 0 or options.leverage < 1:
        raise ConfigInvalid("step_ms and cash are positive, leverage is 1 or more")
    return options


def _read(name: str, text: str, default: object) -> object:
    if isinstance(default, str):
        if text not in OPTION_CHOICES[name]:
            raise ConfigInvalid(f"{name} is one of {', '.join(OPTION_CHOICES[name])}")
        return text
    try:
        value = decimal_of(text)
    except NotExact as error:
        raise ConfigInvalid(f"{name} is a number: {error}") from error
    if value < 0 or (name.endswith("_percent") and value > 100):
        raise ConfigInvalid(f"{name} is out of range")
    if isinstance(default, Decimal):
        return value
    if value != int(value):
        raise ConfigInvalid(f"{name} is a whole number")
    return int(value)


def instrument_for(symbol: str) -> Instrument:
    """The venue's rules for a symbol, which follow from its spelling."""
    match asset_class_of(symbol):
        case AssetClass.OPTION:
            return _option(symbol)
        case AssetClass.CRYPTO:
            return Instrument(
                symbol=symbol,
                asset_class=AssetClass.CRYPTO,
                currency=CURRENCY,
                ticks=(TickRule(from_price=Decimal(0), tick=Decimal("0.01")),),
                lot=_NINE,
                min_qty=_NINE,
                fraction=_NINE,
                calendar="24x7",
            )
        case AssetClass.FX:
            return Instrument(
                symbol=symbol,
                asset_class=AssetClass.FX,
                currency=symbol.partition("/")[2],
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
