"""Inputs are the same everywhere, and the firmware gets exactly the tensor meant."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from fractions import Fraction
from functools import cache
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from simbench.catalog.benchmarks import InputEncoding, load_benchmarks
from simbench.errors import InfrastructureError, UsageError
from simbench.models.prepared import PreparedModel, TensorInfo
from simbench.models.reference import reference_outputs
from simbench.models.source import benchmark_model
from simbench.task.inputs import (
    Input,
    area_average,
    benchmark_inputs,
    crop_picture,
    mean_squared_error,
    prediction,
    read_picture,
    real_inputs,
    seeded_inputs,
    tensor_bytes,
)

BENCHMARKS = load_benchmarks()


@cache
def model(benchmark: str) -> PreparedModel:
    return benchmark_model(BENCHMARKS[benchmark])


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def test_seeded_inputs_are_the_known_ones() -> None:
    """They must never change: stored counts and published parity were made with them."""
    found = {
        name: digest(*(i.wire for i in benchmark_inputs(BENCHMARKS[name], model(name), 3)))
        for name in ("kws", "vww", "ic", "ad")
    }
    assert found == {
        "kws": "dc2561389cfc44a3",
        "vww": "1a18e7d34372dbd5",
        "ic": "49aa7084cbae2e14",
        "ad": "0f2eb90c522a7431",
    }


def test_the_first_seeded_inputs_do_not_depend_on_their_number() -> None:
    assert seeded_inputs(model("kws"), 10)[:3] == seeded_inputs(model("kws"), 3)


def test_seeds_and_indices_give_different_inputs() -> None:
    tensors = [i.tensor for seed in (0, 1) for i in seeded_inputs(model("kws"), 5, seed=seed)]
    assert len(set(tensors)) == 10


def test_seeded_inputs_cover_the_whole_int8_range() -> None:
    elements = np.frombuffer(seeded_inputs(model("vww"), 1)[0].tensor, np.int8)
    counts = np.bincount(elements.astype(np.int16) + 128, minlength=256)
    assert counts.min() > 0
    # 27,648 draws over 256 values: chi-square of 255 degrees stays within 6 sigma of its mean
    expected = elements.size / 256
    assert abs(((counts - expected) ** 2 / expected).sum() - 255) < 6 * (2 * 255) ** 0.5


@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_the_wire_gives_the_tensor(name: str) -> None:
    benchmark = BENCHMARKS[name]
    pictures = real_inputs(benchmark, model(name))
    for entry in (*pictures, *benchmark_inputs(benchmark, model(name), 4)):
        assert tensor_bytes(entry.wire, model(name).input, benchmark.encoding) == entry.tensor
        assert len(entry.tensor) == model(name).input.size
        wide = 4 if benchmark.encoding is InputEncoding.FLOAT32 else 1
        assert len(entry.wire) == wide * model(name).input.size


def test_the_wire_of_pixels_is_128_above_the_tensor() -> None:
    entry = seeded_inputs(model("kws"), 1, InputEncoding.UINT8)[0]
    wire = np.frombuffer(entry.wire, np.uint8).astype(int)
    assert (wire - 128 == np.frombuffer(entry.tensor, np.int8)).all()


@pytest.mark.parametrize("encoding", list(InputEncoding))
def test_a_wire_of_the_wrong_size_is_refused(encoding: InputEncoding) -> None:
    right = len(seeded_inputs(model("kws"), 1, encoding)[0].wire)
    for size in (0, right - 1, right + 1):
        with pytest.raises(UsageError, match=f"the model takes {right:,}"):
            tensor_bytes(bytes(size), model("kws").input, encoding)


@pytest.mark.parametrize("name", ["vww", "ic"])
def test_pictures_are_recognised(name: str) -> None:
    benchmark = BENCHMARKS[name]
    pictures = real_inputs(benchmark, model(name))
    assert len(pictures) >= 2
    outputs = reference_outputs(model(name), [p.tensor for p in pictures])
    for picture, output in zip(pictures, outputs, strict=True):
        guess = prediction(benchmark.labels, model(name), output)
        assert picture.expect is not None
        assert guess.label == picture.expect
        assert guess.score is not None
        assert guess.score > 0.7


def test_pictures_are_the_known_ones() -> None:
    found = {
        f"{name}/{entry.name}": digest(entry.wire)
        for name in ("vww", "ic")
        for entry in real_inputs(BENCHMARKS[name], model(name))
    }
    assert found == {
        "vww/astronaut": "7e796ccd08caa79d",
        "vww/camera": "50b60444019e8659",
        "vww/chelsea": "e29e252e2e79bddf",
        "vww/coffee": "9489640a0770c941",
        "ic/chelsea": "cb9f0be753213404",
        "ic/horse": "a00baafe2c5ac13a",
    }


def test_sound_has_no_pictures() -> None:
    assert real_inputs(BENCHMARKS["kws"], model("kws")) == ()


def test_pictures_for_a_model_of_another_shape_are_refused() -> None:
    with pytest.raises(UsageError, match="the pictures of vww are"):
        real_inputs(BENCHMARKS["vww"], model("ic"))


def test_scikit_image_is_read_but_not_imported() -> None:
    real_inputs(BENCHMARKS["ic"], model("ic"))
    assert "skimage" not in sys.modules


def test_a_missing_picture_is_named() -> None:
    picture = dataclasses.replace(BENCHMARKS["vww"].pictures[0], file="nobody.png")
    with pytest.raises(InfrastructureError, match=r"nobody\.png of scikit-image cannot be read"):
        read_picture(picture, 3)


def test_transparency_is_white() -> None:
    horse = next(p for p in BENCHMARKS["ic"].pictures if p.name == "horse")
    pixels = read_picture(horse, 3)
    assert pixels.shape == (328, 400, 3)
    assert pixels[0, 0].tolist() == [255, 255, 255]


def naive_average(image: NDArray[np.uint8], height: int, width: int) -> list[list[list[int]]]:
    """The same by exact fractions, pixel by pixel."""
    old_height, old_width, channels = image.shape

    def shares(old: int, new: int, i: int) -> list[Fraction]:
        low, high = Fraction(i * old, new), Fraction((i + 1) * old, new)
        ends = [(max(low, Fraction(j)), min(high, Fraction(j + 1))) for j in range(old)]
        return [max(Fraction(0), end - start) for start, end in ends]

    rows = [shares(old_height, height, y) for y in range(height)]
    columns = [shares(old_width, width, x) for x in range(width)]
    area = Fraction(old_height * old_width, height * width)
    return [
        [
            [
                floor(
                    sum(
                        rows[y][i] * columns[x][j] * int(image[i, j, c])
                        for i in range(old_height)
                        for j in range(old_width)
                    )
                    / area
                    + Fraction(1, 2)
                )
                for c in range(channels)
            ]
            for x in range(width)
        ]
        for y in range(height)
    ]


@settings(max_examples=40)
@given(st.data())
def test_area_average_is_exact(data: st.DataObject) -> None:
    side = st.integers(1, 7)
    channels = st.sampled_from((1, 3))
    image = data.draw(arrays(np.uint8, st.tuples(side, side, channels)))
    height, width = data.draw(side), data.draw(side)
    assert area_average(image, height, width).tolist() == naive_average(image, height, width)


def test_area_average_of_the_same_size_changes_nothing() -> None:
    image = np.random.Generator(np.random.PCG64(3)).integers(0, 256, (32, 32, 3), np.uint8)
    assert (area_average(image, 32, 32) == image).all()


def test_the_central_square_is_taken_without_a_crop() -> None:
    image = np.arange(5 * 9, dtype=np.uint8).reshape(5, 9, 1)
    assert (crop_picture(image, None) == image[:, 2:7]).all()
    assert (crop_picture(image, (1, 2, 3, 2)) == image[2:4, 1:4]).all()


@pytest.mark.parametrize("crop", [(0, 0, 10, 5), (0, 0, 9, 6), (1, 0, 9, 5), (0, 0, 0, 5)])
def test_a_crop_outside_the_picture_is_refused(crop: tuple[int, int, int, int]) -> None:
    with pytest.raises(UsageError, match="is outside a picture of 9 x 5 pixels"):
        crop_picture(np.zeros((5, 9, 3), np.uint8), crop)


def test_prediction_names_the_greatest_output() -> None:
    labels = BENCHMARKS["kws"].labels
    output = np.full(12, -128, np.int8)
    output[3], output[8] = 100, 90
    guess = prediction(labels, model("kws"), output.tobytes())
    assert (guess.index, guess.label) == (3, "down")
    assert guess.score == (100 + 128) / 256
    assert prediction((), model("kws"), output.tobytes()).label == "class 3"


def test_an_output_that_is_no_number_has_no_score() -> None:
    real = TensorInfo("scores", (1, 2), "float32", 0.0, 0)
    floats = dataclasses.replace(model("kws"), outputs=(real,))
    output = np.array([1.0, np.nan], np.float32).tobytes()
    assert prediction((), floats, output).score is None


def test_mean_squared_error_by_hand() -> None:
    autoencoder = model("ad")
    given_elements = np.full(640, 10, np.int8)
    answered = np.full(640, -20, np.int8)
    a = np.float32(138) * np.float32(autoencoder.input.scale)
    b = np.float32(108) * np.float32(autoencoder.output.scale)
    expected = (float(a) - float(b)) ** 2
    given = Input("tens", b"", given_elements.tobytes())
    found = mean_squared_error(autoencoder, given, answered.tobytes(), InputEncoding.BYTES)
    assert found == pytest.approx(expected, rel=1e-12)
    with pytest.raises(UsageError, match="give an autoencoder"):
        mean_squared_error(model("kws"), Input("", b"", bytes(500)), bytes(12), InputEncoding.BYTES)


def test_an_anomaly_score_is_of_the_floats_that_were_sent_not_of_what_they_are_quantized_to() -> (
    None
):
    """On data beyond the input's range the quantized input saturates, and hides the anomaly."""
    autoencoder = model("ad")
    top = autoencoder.input.dequantize(np.full(1, 127, np.int8))[0]
    sent = np.full(640, 3 * top, np.float32)
    given = Input("far", sent.tobytes(), np.full(640, 127, np.int8).tobytes())
    output = np.full(640, autoencoder.output.zero_point, np.int8).tobytes()
    found = mean_squared_error(autoencoder, given, output, InputEncoding.FLOAT32)
    assert found == pytest.approx(float(sent[0]) ** 2, rel=1e-6)
    assert mean_squared_error(autoencoder, given, output, InputEncoding.BYTES) < found / 8
