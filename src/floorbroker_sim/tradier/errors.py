"""The venue's refusals: the gateway's fault objects, the errors object, plain text; and the face each scripted fault wears.

https://docs.tradier.com/docs/error-responses names the codes of a later rejection; one text of them is known from people who
met it, the others carry their code.
"""

from __future__ import annotations

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply

BUYING_POWER = "You do not have enough buying power for this trade."
_PROSE = {
    "UnexpectedBuyOrder": "a short position is covered with buy_to_cover",
    "UnexpectedBuyToCoverOrder": "there is no short position to cover",
    "UnexpectedSellOrder": "there is no long position to sell",
    "UnexpectedSellShortOrder": "a long position is sold with sell",
    "UnexpectedBuyOrderOption": "a short option position is closed with buy_to_close",
    "UnexpectedBuyToCoverOrderOption": "there is no short option position to close",
    "UnexpectedSellOrderOption": "there is no long option position to close",
    "UnexpectedSellShortOrderOption": "a long option position is closed with sell_to_close",
    "LongPositionCrossZero": "the order sells more than the long position holds",
    "ShortPositionCrossZero": "the order buys more than the short position holds",
    "MarketOrderIsGtc": "a market order is not good till canceled",
    "ShortOrderIsGtc": "a short sale is not good till canceled",
    "BuyStopOrderStopPriceLessAsk": "the stop price of a buy is below the ask",
    "SellStopOrderStopPriceGreaterBid": "the stop price of a sell is above the bid",
    "ShortStockTradingDeniedForAccount": "this account does not sell short",
    "ShortOptionTradingDeniedForAccount": "this account does not write uncovered options",
    "SpreadTradingDeniedForAccount": "this account does not trade spreads",
    "SecurityUndefined": "the contract has expired",
}


def reason(code: str) -> str:
    """What `reason_description` says about a rejection by `code`."""
    return f"{code}: {_PROSE[code]}"


class Refused(Exception):
    """The venue says no: an errors object, or plain text."""

    def __init__(self, status: int, *texts: str, plain: bool = False) -> None:
        super().__init__("; ".join(texts))
        self.status = status
        self.texts = list(texts)
        self.plain = plain


def text_reply(status: int, text: str) -> Reply:
    return Reply(status=status, body=text.encode(), content_type="text/plain; charset=utf-8")


def gateway_fault(status: int, text: str, code: str) -> Reply:
    """The gateway in front of the API answers in JSON, whatever was asked for."""
    body = f'{{"fault":{{"faultstring":"{text}","detail":{{"errorcode":"{code}"}}}}}}'
    return Reply(status=status, body=body.encode(), content_type="application/json")


def bad_token() -> Reply:
    return gateway_fault(401, "Invalid Access Token", "keymanagement.service.invalid_access_token")


def quota(status: int = 429) -> Reply:
    return text_reply(status, "Quota Violation")


def fault_reply(fault: Fault) -> Reply:
    """How a scripted fault looks when this venue wears it; `args.status` chooses another status."""
    status = fault.args.status
    match fault.what:
        case "throttle":
            return quota(status or 429)
        case "token_expiry":
            return gateway_fault(status or 401, "Access Token expired", "keymanagement.service.access_token_expired")
        case "ban":
            return text_reply(status or 403, "Forbidden")
        case "maintenance":
            page = b"<html><head><title>503 Service Unavailable</title></head><body></body></html>"
            return Reply(status=status or 503, body=page, content_type="text/html")
        case _:
            return gateway_fault(status or 500, "Datastore Error", "steps.servicecallout.ExecutionFailed")
