"""Where the cycles go: a section's price by layer, function, source line, instruction and memory.

A pure function of counts. Nothing is sampled, and everything adds up to the section: instructions
exactly, cycles to rounding.
"""

from simbench.profiles.attribution import SHARED
from simbench.profiles.build import INTERPRETER, build_profile
from simbench.profiles.tree import (
    AccessCount,
    Call,
    Cost,
    Frame,
    FunctionCost,
    InterruptCost,
    LayerCost,
    LineCost,
    MixEntry,
    Profile,
    TaskCost,
)

__all__ = [
    "INTERPRETER",
    "SHARED",
    "AccessCount",
    "Call",
    "Cost",
    "Frame",
    "FunctionCost",
    "InterruptCost",
    "LayerCost",
    "LineCost",
    "MixEntry",
    "Profile",
    "TaskCost",
    "build_profile",
]
