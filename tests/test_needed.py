"""What of the image a model's own operators need."""

from __future__ import annotations

import pytest

from simbench.catalog.scenario import Variant
from simbench.firmware.build import KERNELS, build_image
from simbench.firmware.needed import needed_bytes
from simbench.firmware.operators import operators
from simbench.models.operators import CONV_2D, FULLY_CONNECTED, RESHAPE
from simbench.models.parse import used_codes

pytestmark = pytest.mark.image

ALL = {row.code for row in operators()}


@pytest.mark.parametrize("kernels", KERNELS)
def test_all_operators_need_nearly_all_of_the_image(kernels: str) -> None:
    image = build_image("cortex-m4", Variant(kernels))
    whole = needed_bytes(image, ALL)
    assert whole is not None
    # what is left is what aligns and pads
    assert 0.97 * image.code_bytes < whole <= image.code_bytes


@pytest.mark.parametrize("kernels", KERNELS)
def test_each_operator_adds_to_what_the_rest_needs(kernels: str) -> None:
    image = build_image("cortex-m4", Variant(kernels))
    sizes = [
        needed_bytes(image, codes)
        for codes in (set(), {RESHAPE}, {RESHAPE, FULLY_CONNECTED}, {RESHAPE, CONV_2D}, ALL)
    ]
    bare, reshape, dense, conv, whole = (size or 0 for size in sizes)
    assert 0 < bare < reshape < dense < conv < whole
    for row in operators():
        alone = needed_bytes(image, {row.code})
        assert alone is not None
        assert bare < alone < bare + image.code_bytes / 3, row.name


def test_the_codes_of_a_model_are_those_of_all_its_subgraphs() -> None:
    from test_converted import source

    assert used_codes(source("sine_int8.tflite")) == {FULLY_CONNECTED}
    loop = used_codes(source("lstm_float.tflite"))
    assert {FULLY_CONNECTED, 119} < loop  # WHILE
