"""A target: what a price is of, and the hashes of all that makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simbench.catalog.platforms import Platform
from simbench.cost.cores.core import Core
from simbench.cost.identity import content_sha256, core_sha256, digest, pricing_code_sha256


@dataclass(frozen=True, eq=False)
class Target:
    """What prices are of: a platform with its core. ``off`` is how far the model was from silicon
    there, a fraction; 0 leaves ranges to what the sources say."""

    platform: Platform
    core: Core
    off: float

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """The hash of all that makes a price here: "platform", "core", "residual" and "code".

        Names and what is written for people (versions, titles, sources) are in none of them.
        """
        return {
            "platform": content_sha256(self.platform),
            "core": core_sha256(self.core),
            "residual": f"{self.off:g}",
            "code": pricing_code_sha256(),
        }

    @cached_property
    def source(self) -> str:
        """What its estimates name as their source, ending in the hash of :attr:`identity`."""
        platform, core = self.platform, self.core
        price = digest(self.identity)[:12]
        return f"{core.id} {core.version} on {platform.id} {platform.version}, price {price}"


def price_settings(targets: Iterable[Target]) -> dict[str, Mapping[str, Any]]:
    """What decides the prices of ``targets``, for a document's settings: labels, and hashes."""
    listed = list(targets)
    return {
        "platforms": {target.platform.id: target.platform.version for target in listed},
        "cores": {target.core.id: target.core.version for target in listed},
        "prices": {target.platform.id: dict(target.identity) for target in listed},
    }
