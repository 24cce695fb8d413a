from __future__ import annotations

from dataclasses import replace

import pytest

from simbench.catalog.platforms import load_platform
from simbench.cost.fit import check_fit, memory_use
from simbench.counts import Segment
from simbench.errors import DoesNotFit

STM32F4 = load_platform("stm32f4")
OFFICIAL_VWW = {
    Segment.CODE: 170_000,
    Segment.WEIGHTS: 333_288,
    Segment.STATIC: 40_000,
    Segment.ARENA: 118_848,
}


def test_vww_fits_the_sram() -> None:
    check_fit(STM32F4, OFFICIAL_VWW)
    used = memory_use(STM32F4, OFFICIAL_VWW)
    assert used.flash_bytes == 503_288
    assert used.ram_bytes == 158_848
    assert used.memories["sram"] == {"used_bytes": 118_848, "size_bytes": 131_072}
    assert used.memories["ccm"] == {"used_bytes": 40_000, "size_bytes": 65_536}


@pytest.mark.parametrize(
    ("segment", "memory", "needed", "free"),
    [
        (Segment.ARENA, "arena (in sram)", 131_088, 131_072),
        (Segment.WEIGHTS, "model (in flash)", 1_000_000, 1_048_576 - 170_000),
        (Segment.CODE, "code (in flash)", 2_000_000, 1_048_576),
        (Segment.STATIC, "static data (in ccm)", 70_000, 65_536),
    ],
)
def test_what_does_not_fit_says_what_and_how_much(
    segment: Segment, memory: str, needed: int, free: int
) -> None:
    needs = {**OFFICIAL_VWW, segment: needed}
    with pytest.raises(DoesNotFit) as caught:
        check_fit(STM32F4, needs)
    assert caught.value.memory == memory
    assert (caught.value.needed_bytes, caught.value.available_bytes) == (needed, free)
    # how much it would take is known all the same
    assert memory_use(STM32F4, needs).arena_bytes == needs[Segment.ARENA]


def test_segments_that_share_a_memory_share_its_room() -> None:
    shared = replace(STM32F4, placement={**STM32F4.placement, Segment.STATIC: "sram"})
    with pytest.raises(DoesNotFit) as caught:
        check_fit(shared, OFFICIAL_VWW)
    assert caught.value.available_bytes == 131_072 - 40_000
