"""Which rule an order falls under, and what it may say about that itself."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.errors import InvalidRequest, RiskLimitExceeded
from floorbroker.domain.values import OrderType, OrdStatus, ProfileName, Side
from floorbroker.gateway.routing.naming import OPEN, Named, chosen, narrowed
from floorbroker.gateway.routing.policy import Policy, Rule, Strategy
from floorbroker.oms.schema import OrderSchema
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import buy
from tests.support.fleet import CALLER, MOVING, A, B, C, opened

HERE = {A: "ALPACA", B: "KRAKEN", C: "KRAKEN"}
COINS = Rule(name="coins", uses=Strategy.PRIMARY, profiles=(B, C, ProfileName("elsewhere")), symbol="*/USD")
REST = Rule(name="rest", uses=Strategy.FAILOVER)
RULES = Policy(rules=(COINS, REST), moving=MOVING)
WISH = OrderSchema(
    symbol="AAPL",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal(1),
    limit_price=Decimal(1),
    allow_duplicate=True,
)


@pytest.mark.parametrize(
    ("named", "rule", "profiles"),
    [
        (OPEN, "rest", ()),
        (Named(profile=C), "rest", ()),
        (Named(route="coins"), "coins", (B, C)),
        (Named(route="coins", profile=C), "coins", (C,)),
        (Named(broker="KRAKEN"), "rest", (B, C)),
        (Named(broker="KRAKEN", profile=C), "rest", (C,)),
    ],
)
def test_a_rule_is_narrowed_to_what_an_order_names(named: Named, rule: str, profiles: tuple[ProfileName, ...]) -> None:
    found = chosen(RULES, buy(), named, HERE)
    assert (found.name, found.profiles) == (rule, profiles)
    assert found.narrowed is bool(named.broker or (named.route and named.profile))


@pytest.mark.parametrize(
    ("named", "pointer", "told"),
    [
        (Named(route="none"), "/route", "no route 'none'; there are: coins, rest"),
        (Named(route="coins", profile=A), "/profile", "route coins has no profile 'alpha'; it has: beta, gamma"),
        (Named(route="coins", broker="ALPACA"), "/broker", "route coins has no profile at ALPACA"),
        (Named(broker="KRAKEN", profile=A), "/profile", "route rest has no profile 'alpha'"),
    ],
)
def test_what_is_not_in_a_route_is_said(named: Named, pointer: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told) as refused:
        chosen(RULES, buy(), named, HERE)
    assert refused.value.fields[0].pointer == pointer


def test_without_rules_a_broker_has_to_leave_one_profile() -> None:
    assert chosen(Policy(), buy(), Named(broker="ALPACA"), HERE).profiles == (A,)
    with pytest.raises(InvalidRequest, match="so name a profile: beta, gamma"):
        chosen(Policy(), buy(), Named(broker="KRAKEN"), HERE)
    assert narrowed(REST, ()) is REST


@pytest.mark.asyncio
async def test_the_controls_hold_for_a_named_route_and_it_moves_nowhere_else(tmp_path: Path) -> None:
    tight = RiskLimits(max_order_qty=Decimal(5), duplicate_window_s=Decimal(0))
    async with opened(tmp_path, Policy(rules=(REST,), moving=MOVING), limits={B: tight}) as fleet:
        wish = WISH.model_copy(update={"route": "rest"})
        with pytest.raises(RiskLimitExceeded, match="quantity 6 is above max_order_qty 5"):
            await fleet.gateway.submit(wish.model_copy(update={"quantity": Decimal(6)}), profile=B, caller=CALLER)
        fleet.brokers[B].next_submit.append("not_sent")
        dead = (await fleet.gateway.submit(wish, profile=B, caller=CALLER)).order
        fleet.brokers[B].next_submit.append("drop")
        lost = (await fleet.gateway.submit(wish, profile=B, caller=CALLER)).order
        await fleet.until(lambda: not fleet.gateway.order(lost.intent_id).is_open)
        await fleet.clock.advance(5.0)
        assert set(fleet.sent()) == {B}
        record = fleet.route(dead)
    assert (dead.profile, dead.ord_status) == (B, OrdStatus.NOT_SENT)
    assert (record.rule, record.only) == ("rest", (B,))
