"""Research: read-only tools over history.  Statistics are floats here; money is not."""

from floorbroker.research.outliers import OutlierScan, scan_outliers
from floorbroker.research.panel import Panel, load_panel
from floorbroker.research.sectors import SectorAnalyzer
from floorbroker.research.universe import RECORDED, SEEDED, Universe

__all__ = [
    "RECORDED",
    "SEEDED",
    "OutlierScan",
    "Panel",
    "SectorAnalyzer",
    "Universe",
    "load_panel",
    "scan_outliers",
]
