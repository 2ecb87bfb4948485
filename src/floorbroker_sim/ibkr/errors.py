"""The codes of the error message, and the words that come with them.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#api-error-codes
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.values import text_of

NOBODY = -1


class Refused(Exception):
    """A no to one request or order: `code` and `text` of the error message that says so."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def pace() -> Refused:
    return Refused(100, "Max rate of messages per second has been exceeded")


def too_many_tickers() -> Refused:
    return Refused(101, "Max number of tickers has been reached")


def duplicate_ticker() -> Refused:
    return Refused(102, "Duplicate ticker ID")


def duplicate_order() -> Refused:
    return Refused(103, "Duplicate order ID.")


def modify_filled() -> Refused:
    return Refused(104, "Can't modify a filled order")


def other_order() -> Refused:
    return Refused(105, "Order being modified does not match original order")


def untransmittable(what: str) -> Refused:
    return Refused(107, f"Cannot transmit incomplete order. {what}")


def off_percent() -> Refused:
    return Refused(109, "The price does not conform to the percentage constraints: price is out of range")


def off_tick() -> Refused:
    return Refused(110, "The price does not conform to the minimum price variation for this contract.")


def tif_and_type(order_type: str, tif: str) -> Refused:
    return Refused(111, f"The TIF type {tif} and the order type {order_type} are incompatible")


def no_such_order(order_id: int) -> Refused:
    return Refused(135, f"Can't find order with id ={order_id}")


def not_cancellable(perm_id: int) -> Refused:
    return Refused(161, f"Cancel attempted when order is not in a cancellable state.  Order permId ={perm_id}")


def history(text: str) -> Refused:
    return Refused(162, f"Historical Market Data Service error message:{text}")


def no_contract() -> Refused:
    return Refused(200, "No security definition has been found for the request")


def ambiguous() -> Refused:
    return Refused(
        200, "The contract description specified is ambiguous; you must specify the multiplier or trading class."
    )


def rejected(reason: str) -> Refused:
    return Refused(201, f"Order rejected - reason:{reason}")


def too_little_money(equity: Decimal, margin: Decimal) -> Refused:
    return rejected(
        "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
        f"[{equity:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{margin:.2f} USD]"
    )


def canceled(reason: str = "") -> Refused:
    return Refused(202, f"Order Canceled - reason:{reason}")


def not_allowed(symbol: str) -> Refused:
    return Refused(203, f"The security {symbol} is not available or allowed for this account")


def no_ticker(request: int) -> Refused:
    return Refused(300, f"Can't find EId with tickerId:{request}")


def unreadable(text: str) -> Refused:
    return Refused(320, f"Server error when reading an API client request. {text}")


def invalid(text: str) -> Refused:
    return Refused(321, f"Error validating request.-'bV' : cause - {text}")


def unprocessed(text: str) -> Refused:
    return Refused(322, f"Server error when processing an API client request. {text}")


def client_taken() -> Refused:
    return Refused(326, "Unable to connect as the client id is already in use. Retry with a unique client id.")


def other_type() -> Refused:
    return Refused(329, "Order modify failed. Cannot change to the new order type.")


def not_subscribed(symbol: str) -> Refused:
    return Refused(354, f"Requested market data is not subscribed. Delayed market data is available.{symbol}")


def no_history_request(request: int) -> Refused:
    return Refused(366, f"No historical data query found for ticker id:{request}")


def unsupported_type() -> Refused:
    return Refused(387, "Unsupported order type for this exchange and security type.")


def message(text: str) -> Refused:
    return Refused(399, f"Order Message:\n{text}")


def locating() -> Refused:
    return Refused(
        404,
        "Order held while securities are located.  Shares for this order are not immediately available for short sale.",
    )


def size_zero() -> Refused:
    return Refused(434, "The order size cannot be zero.")


def needs_account() -> Refused:
    return Refused(435, "You must specify an account.")


def too_old() -> Refused:
    return Refused(503, "The TWS is out of date and must be upgraded.")


def link_lost() -> Refused:
    return Refused(1100, "Connectivity between IBKR and Trader Workstation has been lost.")


def link_back(*, data_lost: bool) -> Refused:
    text = "Connectivity between IBKR and Trader Workstation has been restored"
    if data_lost:
        return Refused(1101, f"{text} - data lost.")
    return Refused(1102, f"{text} - data maintained.")


def missing_parent(parent: int) -> Refused:
    return Refused(10006, f"Missing parent order. parentId ={parent}")


def unknown_order(order_id: int) -> Refused:
    return Refused(10147, f"OrderId {order_id} that needs to be cancelled is not found.")


def cannot_cancel(order_id: int, state: str) -> Refused:
    return Refused(10148, f"OrderId {order_id} that needs to be cancelled can not be cancelled, state: {state}.")


def delayed() -> Refused:
    return Refused(10167, "Requested market data is not subscribed. Displaying delayed market data.")


def fraction(qty: Decimal) -> Refused:
    return Refused(
        10243, f"Fractional-sized order of {text_of(qty)} cannot be placed via API. Please use desktop version."
    )
