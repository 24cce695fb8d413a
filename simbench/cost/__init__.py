"""Prices: what counted instructions cost in cycles, time and energy on a platform. Pure."""

from simbench.cost.core import Core, load_core
from simbench.cost.fit import MemoryUse, fit
from simbench.cost.price import Price, estimate

__all__ = ["Core", "MemoryUse", "Price", "estimate", "fit", "load_core"]
