"""Interactive Brokers behind the TWS socket.  https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/"""

from floorbroker_sim.ibkr.venue import TwsVenue, create_venue

__all__ = ["TwsVenue", "create_venue"]
