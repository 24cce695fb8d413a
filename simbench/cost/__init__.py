"""Prices: what counted instructions cost in cycles, time and energy on a platform. Pure."""

from simbench.cost.cores.core import Core, load_core
from simbench.cost.fit import MemoryUse, check_fit, memory_use
from simbench.cost.points import Prices, price_points
from simbench.cost.price import Price, estimate
from simbench.cost.residuals import load_target
from simbench.cost.targets import Target

__all__ = [
    "Core",
    "MemoryUse",
    "Price",
    "Prices",
    "Target",
    "check_fit",
    "estimate",
    "load_core",
    "load_target",
    "memory_use",
    "price_points",
]
