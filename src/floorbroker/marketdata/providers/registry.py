"""The list of providers: code to facts.  Their keys are profiles of kind `data`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from floorbroker.domain.capability import BrokerInfo
from floorbroker.marketdata.providers.polygon.info import INFO as POLYGON
from floorbroker.marketdata.providers.yahoo.info import INFO as YAHOO

PROVIDERS: Mapping[str, BrokerInfo] = MappingProxyType({info.code: info for info in (POLYGON, YAHOO)})
