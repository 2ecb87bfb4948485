"""The venue's refusals by code, their envelope, and the face each scripted fault wears.

https://upstox.com/developer/api-documentation/error-codes, and the tables on the pages of the endpoints.  Texts that no
document gives are ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply

# Code -> (status, text).
CODES: dict[str, tuple[int, str]] = {
    "UDAPI10000": (400, "This request is not supported by Upstox API"),
    "UDAPI10005": (429, "Too Many Request Sent"),
    "UDAPI100010": (404, "Order not found"),
    "UDAPI100011": (400, "Invalid Instrument key"),
    "UDAPI100015": (400, "API Version does not exist"),
    "UDAPI100016": (401, "Invalid Credentials"),
    "UDAPI100036": (400, "Invalid Input"),
    "UDAPI100038": (400, "Invalid input passed to the API"),
    "UDAPI100039": (400, "After market order is not allowed while the market is open"),
    "UDAPI100040": (400, "Cancel of already cancelled/rejected/completed order is not allowed"),
    "UDAPI100041": (400, "Modifications of already cancelled/rejected/completed orders are not allowed"),
    "UDAPI100043": (400, "The number of instrument keys exceeds the limit"),
    "UDAPI100049": (403, "Access to this API has been restricted for your account, use Uplink Business"),
    "UDAPI100050": (401, "Invalid token used to access API"),
    "UDAPI100057": (400, "Market is closed"),
    "UDAPI100059": (400, "Must provide either 'order_id' or 'tag'"),
    "UDAPI100060": (404, "Resource not Found"),
    "UDAPI100067": (403, "API not permitted with an extended_token"),
    "UDAPI100068": (401, "Check your 'client_id' and 'redirect_uri'; one or both are incorrect."),
    "UDAPI100069": (401, "Invalid auth code"),
    "UDAPI100073": (401, "Your 'client_id' is inactive"),
    "UDAPI100074": (423, "The API is available from 5:30 AM to 12:00 AM"),
    "UDAPI100500": (500, "Something went wrong... please contact us"),
    "UDAPI1003": (400, "Order id is required"),
    "UDAPI1004": (400, "Valid order type is required"),
    "UDAPI1005": (400, "Transaction type is required"),
    "UDAPI1006": (400, "Product is required"),
    "UDAPI1007": (400, "Validity is required"),
    "UDAPI1008": (400, "Price is required"),
    "UDAPI1009": (400, "symbol is required"),
    "UDAPI1010": (400, "Order id accepts only alphanumeric characters and '-'."),
    "UDAPI1011": (400, "symbol is of invalid format"),
    "UDAPI1015": (
        400, "to_date must be greater than or equal to from_date and Date should be in valid format: yyyy-mm-dd"
    ),
    "UDAPI1020": (400, "Interval is invalid"),
    "UDAPI1021": (400, "Instrument key is of invalid format"),
    "UDAPI1022": (400, "to_date is required"),
    "UDAPI1023": (400, "Order id is required"),
    "UDAPI1026": (400, "Instrument key is required"),
    "UDAPI1027": (400, "interval is required"),
    "UDAPI1028": (400, "Invalid interval"),
    "UDAPI1029": (400, "Price is required"),
    "UDAPI1031": (400, "Price and Trigger price both are required"),
    "UDAPI1032": (400, "Only Trigger price is required"),
    "UDAPI1034": (400, "No positions found"),
    "UDAPI1035": (400, "There are no positions that match the given instrument and product"),
    "UDAPI1036": (400, "Trigger price is required"),
    "UDAPI1037": (400, "For a buy order the trigger price should not be greater than the price"),
    "UDAPI1038": (400, "For a sell order the trigger price should not be less than the price"),
    "UDAPI1039": (400, "Disclosed quantity should not be less than 10% of the quantity"),
    "UDAPI1043": (400, "The price is required"),
    "UDAPI1052": (400, "The order quantity cannot be zero"),
    "UDAPI1054": (400, "The product is invalid"),
    "UDAPI1055": (400, "The validity is invalid"),
    "UDAPI1056": (400, "The order type is invalid"),
    "UDAPI1057": (400, "The transaction type is invalid"),
    "UDAPI1059": (400, "instrument_token is of invalid format"),
    "UDAPI1060": (400, "The quantity is required"),
    "UDAPI1061": (400, "The price is required"),
    "UDAPI1062": (400, "The transaction_type is required"),
    "UDAPI1063": (400, "The product is required"),
    "UDAPI1064": (400, "The quantity cannot be zero"),
    "UDAPI1065": (400, "The price cannot be zero"),
    "UDAPI1066": (400, "The segment is required"),
    "UDAPI1067": (400, "The segment is invalid"),
    "UDAPI1068": (400, "The financial year is required"),
    "UDAPI1069": (400, "The financial year is invalid"),
    "UDAPI1070": (400, "The page number is required"),
    "UDAPI1071": (400, "The page size is required"),
    "UDAPI1072": (400, "The date is invalid; it should be written dd-mm-yyyy"),
    "UDAPI1073": (400, "The dates do not lie in the financial year"),
    "UDAPI1087": (400, "Invalid instrument key"),
    "UDAPI1088": (400, "The date is invalid; it should be written yyyy-mm-dd"),
    "UDAPI1095": (400, "The instruments are required"),
    "UDAPI1096": (400, "The quantity must be greater than zero"),
    "UDAPI1097": (400, "The quantity must be a multiple of the lot size"),
    "UDAPI1098": (400, "The instrument key is of invalid format"),
    "UDAPI1099": (400, "The instrument key is invalid"),
    "UDAPI1100": (400, "The product is required"),
    "UDAPI1101": (400, "The transaction type is required"),
    "UDAPI1102": (400, "The number of instruments exceeds the limit of 20"),
    "UDAPI1103": (400, "An instrument stands in the request twice"),
    "UDAPI1104": (400, "The price is invalid"),
    "UDAPI1105": (400, "The segment is invalid"),
    "UDAPI1106": (400, "The page is out of range"),
    "UDAPI1107": (400, "The page size is out of range"),
    "UDAPI1109": (400, "No open orders available to cancel"),
    "UDAPI1111": (400, "No open positions available to exit"),
    "UDAPI1113": (400, "The API is accessible only during market hours"),
    "UDAPI1118": (400, "The order would be sliced into too many orders"),
    "UDAPI1119": (400, "The tag should not be longer than 40 characters"),
    "UDAPI1120": (400, "The correlation id is required, unique, and not longer than 20 characters"),
    "UDAPI1121": (400, "The number of orders exceeds the limit"),
    "UDAPI1126": (400, "The type of a GTT order is SINGLE or MULTIPLE"),
    "UDAPI1128": (400, "The number of rules does not fit the type"),
    "UDAPI1130": (400, "The trigger type is invalid"),
    "UDAPI1132": (400, "The strategy is invalid, or stands in the rules twice"),
    "UDAPI1136": (404, "GTT order not found"),
    "UDAPI1137": (400, "The GTT order cannot be modified or cancelled"),
    "UDAPI1143": (400, "The trigger price is invalid"),
    "UDAPI1146": (400, "Invalid unit"),
    "UDAPI1147": (400, "Invalid interval"),
    "UDAPI1148": (400, "Invalid date range"),
    "UDAPI1149": (403, "This API is available exclusively with an Upstox Plus plan subscription"),
    "UDAPI1154": (403, "The request came from an IP address that is not registered for this app"),
    "UDAPI1156": (400, "The algo name is invalid"),
    "UDAPI1158": (400, "Market orders are not allowed. Try placing a limit order."),
    "UDAPI1161": (400, "MCX API orders are temporarily disabled"),
    "UDAPI1182": (400, "Primary IP is required."),
    "UDAPI1183": (400, "Invalid IP."),
    "UDAPI1184": (400, "Segment status cannot be changed until all open positions are closed."),
    "UDAPI1185": (400, "Cannot enable segment: cooling period is still in effect."),
    "UDAPI1186": (400, "The specified segment does not exist."),
    "UDAPI1188": (400, "Invalid action. Allowed values are ENABLE and DISABLE."),
}  # fmt: skip


class Refused(Exception):
    """The venue says no, by code.  `path` names the member, `value` is what stood there."""

    def __init__(
        self,
        code: str,
        *,
        text: str | None = None,
        path: str | None = None,
        value: object = None,
        status: int | None = None,
    ) -> None:
        known_status, known_text = CODES[code]
        super().__init__(text or known_text)
        self.code = code
        self.text = text or known_text
        self.path = path
        self.value = value
        self.status = status or known_status


def entry(refused: Refused, **members: object) -> dict[str, object]:
    """One line of `errors`; the old spellings stand beside the new ones."""
    value = refused.value if isinstance(refused.value, str | int | bool | None) else str(refused.value)
    value = value[:100] if isinstance(value, str) else value
    return {
        "errorCode": refused.code, "message": refused.text, "propertyPath": refused.path, "invalidValue": value,
        "error_code": refused.code, "property_path": refused.path, "invalid_value": value, **members,
    }  # fmt: skip


def reply_of(*refused: Refused, status: int | None = None) -> Reply:
    """The envelope around refusals."""
    errors: Sequence[dict[str, object]] = [entry(one) for one in refused]
    return json_reply({"status": "error", "errors": errors}, status=status or refused[0].status, exact_numbers=True)


def fault_reply(fault: Fault) -> Reply:
    """How a scripted fault looks when this venue wears it; `args.status` chooses another status."""
    status = fault.args.status
    match fault.what:
        case "throttle":
            return reply_of(Refused("UDAPI10005"), status=status)
        case "token_expiry":
            return reply_of(Refused("UDAPI100050"), status=status)
        case "ban":
            return reply_of(Refused("UDAPI1154"), status=status)
        case "maintenance":
            return reply_of(Refused("UDAPI100074"), status=status)
        case _:
            return reply_of(Refused("UDAPI100500"), status=status)
