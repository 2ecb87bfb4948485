"""The two stacks, composed once, and why in this order.

From the outside in: each attempt of a read passes the breaker and pays its own tokens (so `Retry` is outermost but for the
gate, which looks at a read once); waiting for tokens is not a failure to the breaker, and an open breaker spends none; the gate
of a command looks after the last wait, which is that for a turn where the venue wants order; the signature is made last, so it
is fresh; the audit sees exactly what crossed the wire, and that nothing came back: the time-out is within it, and covers one
attempt on the wire and no wait of ours, so that silence is a failure of the venue and not an end of our own; what a refusal says
is hushed between signature and audit.

A command stack has no `Retry`: nothing in it can send an order twice.  Both stacks of an account share one `Limiter`,
since the venue counts them together, and its `Breakers`, whose probe is a read.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from floorbroker.domain.clock import Clock
from floorbroker.domain.ports import NO_STEPS, NO_TRACER, Meter, Redactor, Steps, Tracer
from floorbroker.transport.bodies import NO_FIELDS, BodyFields
from floorbroker.transport.breakers import Breakers
from floorbroker.transport.layers.audit import Audit, Tap
from floorbroker.transport.layers.breaker import Breaker
from floorbroker.transport.layers.gate import Check, SendGate
from floorbroker.transport.layers.hush import Hush
from floorbroker.transport.layers.ratelimit import RateLimit, ReadLimits
from floorbroker.transport.layers.retry import Retry
from floorbroker.transport.layers.sign import MaySign, Sign, Signer
from floorbroker.transport.layers.timed import Timed
from floorbroker.transport.layers.timeout import Timeout
from floorbroker.transport.layers.traced import Traced
from floorbroker.transport.layers.turns import InTurn, Turns
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.types import Http, OrderHttp, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Numbers of a stack.  `read_wait_s` and `command_wait_s` bound the wait for tokens; an intent is stale at 5 s."""

    read_retries: int = 3
    read_total_s: float = 30.0
    read_wait_s: float = 30.0
    command_wait_s: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fittings:
    """What both stacks of an account share.  `read_limits` turns a venue's headers into `LimitNews`; `fields` are what its
    audit shows of bodies; `may_sign` is asked before each signature; `offset` learns from every reply; `turns` keep requests
    with a nonce in order.
    """

    clock: Clock
    random: Random
    limiter: Limiter
    breakers: Breakers
    read_limits: ReadLimits
    sign: Signer
    may_sign: MaySign | None = None
    tap: Tap
    redactor: Redactor
    policy: Policy = Policy()
    meter: Meter | None = None
    steps: Steps = NO_STEPS
    fields: BodyFields = NO_FIELDS
    offset: ClockOffset | None = None
    turns: Turns | None = None
    tracer: Tracer = NO_TRACER


def reads(http: Http, *, check: Check, fit: Fittings) -> SendGate:
    """`SendGate(Retry(Breaker(RateLimit(InTurn(Sign(Hush(Audit(Timeout(Timed(http))))))))))`, `InTurn` where order is wanted."""
    limited = RateLimit(
        _in_turn(_signed(http, fit), fit),
        limiter=fit.limiter,
        read_limits=fit.read_limits,
        max_wait_s=fit.policy.read_wait_s,
        meter=fit.meter,
        tracer=fit.tracer,
    )
    fit.breakers.probe_by(SendGate(limited, check=check))
    retried = Retry(
        Breaker(limited, clock=fit.clock, breakers=fit.breakers),
        retries=fit.policy.read_retries,
        clock=fit.clock,
        random=fit.random,
        total_s=fit.policy.read_total_s,
    )
    return SendGate(retried, check=check)


def commands(order_http: OrderHttp, *, check: Check, fit: Fittings) -> Breaker:
    """`Breaker(RateLimit(InTurn(SendGate(Sign(Hush(Audit(Timeout(Timed(order_http)))))))))`, `InTurn` where order is wanted.

    Hand the same `check` to `OrderHttpClient`.
    """
    limited = RateLimit(
        _in_turn(SendGate(_signed(order_http, fit), check=check, steps=fit.steps), fit),
        limiter=fit.limiter,
        read_limits=fit.read_limits,
        max_wait_s=fit.policy.command_wait_s,
        meter=fit.meter,
        tracer=fit.tracer,
    )
    return Breaker(limited, clock=fit.clock, breakers=fit.breakers)


def _signed(shell: Transport, fit: Fittings) -> Sign:
    timed = shell if fit.offset is None else Timed(shell, offset=fit.offset, clock=fit.clock)
    audited = Audit(Timeout(timed), tap=fit.tap, redactor=fit.redactor, clock=fit.clock, fields=fit.fields)
    hushed: Transport = Hush(audited, redactor=fit.redactor)
    if fit.tracer is not NO_TRACER:
        hushed = Traced(hushed, tracer=fit.tracer)
    return Sign(hushed, sign=fit.sign, may_sign=fit.may_sign, steps=fit.steps)


def _in_turn(inner: Transport, fit: Fittings) -> Transport:
    return inner if fit.turns is None else InTurn(inner, turns=fit.turns)
