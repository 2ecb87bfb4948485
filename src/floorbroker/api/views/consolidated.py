"""All profiles as one account, as JSON."""

from __future__ import annotations

from floorbroker.api.views.accounts import PositionView, position_view
from floorbroker.api.views.shape import View, plain, text
from floorbroker.domain.values import text_of, time_text
from floorbroker.gateway.consolidated import CashLine, Consolidated, NetPosition, Part, Rate, left_out


class RateView(View, frozen=True):
    """What one unit of `currency` is worth; `source` names the quote it is from, `time` is the quote's."""

    currency: str
    rate: str
    source: str
    time: str


class CashLineView(View, frozen=True):
    """One currency over all profiles; without a rate it has no `value` and is in no total."""

    currency: str
    total: str
    available: str
    by_profile: dict[str, str]
    rate: RateView | None
    value: str | None


class NetPositionView(View, frozen=True):
    """One instrument over all profiles; values in its own `currency`, null unless every part tells them."""

    symbol: str
    currency: str
    quantity: str
    market_value: str | None
    unrealized_pl: str | None
    parts: list[PositionView]


class ShareView(View, frozen=True):
    """One profile's part, in its own currency.  `stale` says why it is not of now, empty when it is."""

    profile: str
    currency: str
    equity: str
    cash: str
    buying_power: str
    day_pl: str | None
    age_s: str
    stale: str


class MissingView(View, frozen=True):
    """A profile that is in nothing of this, and why."""

    profile: str
    reason: str


class UnconvertedView(View, frozen=True):
    """An amount that is in no total, because no profile quotes its currency."""

    what: str
    profile: str
    currency: str
    amount: str


class ConsolidatedView(View, frozen=True):
    """All profiles as one account, in `currency`.

    Unless `complete`, it is not the whole: `left_out` says in sentences what is not in it, the lists say it in full.
    """

    currency: str
    time: str
    complete: bool
    left_out: list[str]
    equity: str
    cash: str
    buying_power: str
    initial_margin: str | None
    maintenance_margin: str | None
    gross_exposure: str
    net_exposure: str
    day_pl: str | None
    profiles: list[ShareView]
    cash_by_currency: list[CashLineView]
    positions: list[NetPositionView]
    missing: list[MissingView]
    unconverted: list[UnconvertedView]
    unvalued: list[str]
    unknown_day: list[str]
    rates: list[RateView]


def consolidated_view(whole: Consolidated) -> ConsolidatedView:
    return ConsolidatedView(
        currency=whole.currency,
        time=time_text(whole.at),
        complete=whole.complete,
        left_out=list(left_out(whole)),
        equity=text_of(whole.equity),
        cash=text_of(whole.cash),
        buying_power=text_of(whole.buying_power),
        initial_margin=text(whole.initial_margin),
        maintenance_margin=text(whole.maintenance_margin),
        gross_exposure=text_of(whole.gross_exposure),
        net_exposure=text_of(whole.net_exposure),
        day_pl=text(whole.day_pl),
        profiles=[share_view(part) for part in whole.profiles],
        cash_by_currency=[cash_line_view(line) for line in whole.cash_by_currency],
        positions=[net_position_view(net) for net in whole.positions],
        missing=[MissingView(profile=one.profile, reason=one.reason) for one in whole.missing],
        unconverted=[UnconvertedView(**plain(one)) for one in whole.unconverted],
        unvalued=list(whole.unvalued),
        unknown_day=list(whole.unknown_day),
        rates=[rate_view(rate) for rate in whole.rates],
    )


def share_view(part: Part) -> ShareView:
    return ShareView(**plain(part))


def rate_view(rate: Rate) -> RateView:
    return RateView(currency=rate.currency, rate=text_of(rate.rate), source=rate.source, time=time_text(rate.at))


def cash_line_view(line: CashLine) -> CashLineView:
    return CashLineView(
        currency=line.currency,
        total=text_of(line.total),
        available=text_of(line.available),
        by_profile={profile: text_of(amount) for profile, amount in line.by_profile.items()},
        rate=None if line.rate is None else rate_view(line.rate),
        value=text(line.value),
    )


def net_position_view(net: NetPosition) -> NetPositionView:
    return NetPositionView(
        symbol=net.symbol,
        currency=net.currency,
        quantity=text_of(net.qty),
        market_value=text(net.market_value),
        unrealized_pl=text(net.unrealized_pl),
        parts=[position_view(row) for row in net.parts],
    )
