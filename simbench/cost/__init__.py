"""Prices: what counted instructions cost in cycles, time and energy on a platform. Pure."""

from simbench.cost.cores.core import Core, load_core
from simbench.cost.fit import MemoryUse, check_fit, memory_use
from simbench.cost.points import Prices, price_points
from simbench.cost.price import Price, estimate

__all__ = [
    "Core",
    "MemoryUse",
    "Price",
    "Prices",
    "check_fit",
    "estimate",
    "load_core",
    "memory_use",
    "price_points",
]
