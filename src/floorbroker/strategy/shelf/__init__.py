"""Ready-made strategies: examples to read, to run and to start from."""

from floorbroker.strategy.shelf.crossover import Crossover
from floorbroker.strategy.shelf.hedge import Hedge
from floorbroker.strategy.shelf.patient import Patient
from floorbroker.strategy.shelf.ranked import Model, Momentum, Ranked
from floorbroker.strategy.shelf.reversion import Reversion
from floorbroker.strategy.shelf.rotation import Rotation

SHELF = {strategy.__name__.lower(): strategy for strategy in (Crossover, Reversion, Ranked, Rotation, Hedge, Patient)}

__all__ = ["SHELF", "Crossover", "Hedge", "Model", "Momentum", "Patient", "Ranked", "Reversion", "Rotation"]
