"""A crowd at the limits of several accounts and scopes; the long run is `make limits SUBMITS=1000000` (I5, I12)."""

from __future__ import annotations

import pytest

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import Approved, NewOrder
from floorbroker.domain.values import ClOrdId
from floorbroker.oms.account import AccountContext, Actor
from tests.properties.crowd import Crowd
from tests.simulation.teeth.submitting import LeavesOutDoubt

SUBMITS = 5_000


@pytest.mark.slow
def test_no_scope_is_passed_by_a_crowd_and_doubt_counts_i5_i12() -> None:
    crowd = Crowd(seed=1, in_flight=600)
    crowd.run(SUBMITS)
    assert crowd.truth.overshoots == []
    assert crowd.told["unknown"] > 100
    assert crowd.told["approved"] < SUBMITS, "the limits were never reached"


class DecidesOnOldNews(Crowd):
    """Judges a wish by how things stood one decision ago, as a check with an await before the reservation would."""

    def decide(self, ctx: AccountContext, wish: NewOrder, instrument: Instrument, token: str) -> Approved:
        situation = ctx.situation(wish, instrument, actor=Actor(principal=token, via="test"))
        for name in self.accounts:
            if name != ctx.profile.name:
                self.meanwhile(name, wish, instrument, token)
        intent_id = ctx.ids.intent(ctx.clock.now())
        approved = ctx.gate.approve(situation, intent_id=intent_id, cl_ord_id=ClOrdId(f"fb-{intent_id}"))
        ctx.reserve(intent_id, situation)
        return approved

    def meanwhile(self, name: str, wish: NewOrder, instrument: Instrument, token: str) -> None:
        """Another account decides in between."""
        approved = super().decide(self.accounts[name], wish, instrument, token)
        self.let_through(approved, name, token)


def leaves_out_doubt(crowd: Crowd) -> None:
    """Orders whose answer did not come count nowhere."""
    for ctx in crowd.accounts.values():
        ctx._exposed.__class__ = LeavesOutDoubt  # noqa: SLF001 - a bug is planted


@pytest.mark.slow
def test_a_crowd_tells_of_a_book_that_decides_on_old_news_i12() -> None:
    crowd = DecidesOnOldNews(seed=1, in_flight=600)
    crowd.run(SUBMITS)
    assert crowd.truth.overshoots


@pytest.mark.slow
def test_a_crowd_tells_of_a_book_that_leaves_out_doubt_i5() -> None:
    crowd = Crowd(seed=1, in_flight=600)
    leaves_out_doubt(crowd)
    crowd.run(SUBMITS)
    assert crowd.truth.overshoots
