"""The venue's counter: one method for each thing it can be asked, answered without waiting."""

from floorbroker.brokers.paper.rest.chains import chain_of
from floorbroker.brokers.paper.rest.money import Purse, symbols_of
from floorbroker.brokers.paper.rest.venue import PaperVenue, PriceSource

__all__ = ["PaperVenue", "PriceSource", "Purse", "chain_of", "symbols_of"]
