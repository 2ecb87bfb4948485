"""What this venue's control door has besides: rules, tokens, refusals by code, rejections after success."""

from __future__ import annotations

from ipaddress import ip_address

from floorbroker_sim.control import Impossible, Route, fields_of, text_in
from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.upstox.errors import CODES
from floorbroker_sim.upstox.rest.state import Planned, State

_TOKEN_KINDS = ("full", "extended", "sandbox")
_MOST = 1000


class Hand:
    """The routes, over one state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> dict[tuple[str, str], Route]:
        return {
            ("POST", "/rules"): self._set_rules,
            ("POST", "/tokens"): self._make_token,
            ("POST", "/refusals"): self._refuse,
            ("POST", "/rejections"): self._reject,
        }

    def _set_rules(self, request: Request) -> Reply:
        """`{"address","market_orders","algo"}`: where requests come from, whether market orders are taken, the algo's name."""
        fields, rules = fields_of(request, {"address", "market_orders", "algo"}), self._state.rules
        taken = fields.get("market_orders", rules.market_orders)
        if not isinstance(taken, bool):
            raise Impossible("market_orders", "true or false is needed")
        if "address" in fields:
            rules.address = _address(text_in(fields, "address"))
        if "algo" in fields:
            rules.algo = text_in(fields, "algo")
        rules.market_orders = taken
        return Reply(status=204)

    def _make_token(self, request: Request) -> Reply:
        """`{"kind":"full"|"extended"|"sandbox"}`: a fresh token, as the developer page would make it."""
        kind = text_in(fields_of(request, {"kind"}), "kind")
        if kind not in _TOKEN_KINDS:
            raise Impossible("kind", f"not a kind of token: {kind}")
        return json_reply({"token": self._state.tokens.issue(kind, self._state.clock.now())})

    def _refuse(self, request: Request) -> Reply:
        """`{"code","path","count"}`: answer the next request, or the next `count`, of a path with a code of the venue."""
        fields = fields_of(request, {"code", "path", "count"})
        code, count = text_in(fields, "code"), fields.get("count", 1)
        if code not in CODES:
            raise Impossible("code", f"not a code of this venue: {code}")
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST:
            raise Impossible("count", f"a whole number from 1 to {_MOST} is needed")
        path = text_in(fields, "path") if "path" in fields else ""
        waiting = [one for one in self._state.refusals if one.left][-_MOST:]
        self._state.refusals = [*waiting, Planned(code, path, count)]
        return Reply(status=204)

    def _reject(self, request: Request) -> Reply:
        """`{"message"}`: the risk system rejects the next order, after the request succeeded."""
        message = text_in(fields_of(request, {"message"}), "message")
        self._state.rejections = [*self._state.rejections[-_MOST:], message]
        return Reply(status=204)


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise Impossible("address", "an IP address is needed") from error
