from __future__ import annotations

import json
import wave
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from simbench.catalog.benchmarks import InputEncoding, load_benchmarks
from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.models.prepare import prepare
from simbench.models.prepared import PreparedModel
from simbench.models.source import benchmark_model
from simbench.task.input_file import GivenInput, read_input

BYTES = InputEncoding.BYTES


@cache
def model_of(benchmark: str) -> PreparedModel:
    return benchmark_model(load_benchmarks()[benchmark], None)


@pytest.fixture(scope="module")
def ic() -> PreparedModel:
    return model_of("ic")


@pytest.fixture(scope="module")
def kws() -> PreparedModel:
    return model_of("kws")


def test_elements_pixels_and_real_values_are_the_same_input(
    ic: PreparedModel, tmp_path: Path
) -> None:
    elements = np.random.default_rng(1).integers(-128, 128, ic.input.shape).astype(np.int8)
    np.save(tmp_path / "elements.npy", elements)
    np.save(tmp_path / "no_batch.npy", elements[0])
    np.save(tmp_path / "pixels.npy", (elements.astype(np.int16) + 128).astype(np.uint8))
    np.save(tmp_path / "real.npy", ic.input.dequantize(elements))
    np.savez(tmp_path / "one.npz", whatever=elements)
    named: dict[str, Any] = {"other": elements[:, :1], ic.input.name: elements}
    np.savez(tmp_path / "named.npz", **named)
    for path in sorted(tmp_path.iterdir()):
        assert read_input(path, ic, BYTES).input.tensor == elements.tobytes()


def test_raw_bytes_are_what_a_client_sends(ic: PreparedModel, tmp_path: Path) -> None:
    path = tmp_path / "input.bin"
    path.write_bytes(bytes(range(256)) * 12)
    given_input = read_input(path, ic, InputEncoding.UINT8).input
    assert given_input.wire == path.read_bytes()
    assert given_input.tensor[:2] == bytes([0x80, 0x81])


def test_a_picture_of_another_size_is_cut_and_resized_with_a_note(
    ic: PreparedModel, tmp_path: Path
) -> None:
    halves = np.zeros((64, 100, 3), np.uint8)
    halves[:, 50:] = 255
    Image.fromarray(halves).save(tmp_path / "halves.png")
    found = read_input(tmp_path / "halves.png", ic, BYTES)
    assert "100 x 64" in found.notes[0]
    elements = np.frombuffer(found.input.tensor, np.int8).reshape(32, 32, 3)
    assert (elements[:, :16] == -128).all()
    assert (elements[:, 16:] == 127).all()
    Image.fromarray(halves[:32, 34:66]).save(tmp_path / "fits.png")
    exact = read_input(tmp_path / "fits.png", ic, BYTES)
    assert exact == type(exact)(exact.input, ())
    assert exact.input.tensor == found.input.tensor


def sound(path: Path, samples: int, channels: int = 1, rate: int = 8000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.full(samples * channels, 16384, "<i2").tobytes())
    return path


def listening(model: PreparedModel) -> PreparedModel:
    """A model of samples: 16,000, a second of sound as microphones give it."""
    tensor = replace(model.input, shape=(1, 16000), scale=1 / 128, zero_point=0)
    return replace(model, inputs=(tensor,))


@pytest.fixture(scope="module")
def listener(kws: PreparedModel) -> PreparedModel:
    return listening(kws)


def elements(found: GivenInput) -> NDArray[np.int8]:
    return np.frombuffer(found.input.tensor, np.int8)


def test_a_sound_is_taken_by_a_model_of_samples(listener: PreparedModel, tmp_path: Path) -> None:
    found = read_input(sound(tmp_path / "half.wav", 16000), listener, BYTES)
    assert (elements(found) == 64).all()
    assert found.notes == ("half.wav: taken at its own rate of 8,000 samples a second",)


def test_a_sound_of_another_rate_is_resampled_with_a_note(
    listener: PreparedModel, tmp_path: Path
) -> None:
    found = read_input(sound(tmp_path / "cd.wav", 44100, rate=44100), listener, BYTES)
    assert found.notes == (
        "cd.wav: resampled from 44,100 to 16,000 samples a second, to be 16,000",
    )
    assert elements(found).size == 16000
    inner = elements(found)[200:-200]  # the filter rings at the ends
    assert abs(inner.astype(int) - 64).max() <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(
    ic: PreparedModel, tmp_path: Path, value: float
) -> None:
    np.save(tmp_path / "real.npy", np.full(ic.input.shape, value, np.float32))
    refused(tmp_path / "real.npy", ic, r"real\.npy has values that are not finite")


def test_raw_bytes_of_another_length_are_refused_with_the_file(
    ic: PreparedModel, tmp_path: Path
) -> None:
    (tmp_path / "short.bin").write_bytes(b"123")
    refused(tmp_path / "short.bin", ic, r"short\.bin: an input has 3 bytes, the model takes 3,072")


def test_a_model_of_floats_takes_real_values(ic: PreparedModel, tmp_path: Path) -> None:
    model = replace(ic, inputs=(replace(ic.input, dtype="float32", scale=0.0),))
    real = np.linspace(-1, 1, ic.input.elements).reshape(ic.input.shape)
    np.save(tmp_path / "real.npy", real)
    found = read_input(tmp_path / "real.npy", model, BYTES).input
    assert found.wire == found.tensor == real.astype("<f4").tobytes()
    np.save(tmp_path / "pixels.npy", np.zeros(ic.input.shape, np.uint8))
    refused(tmp_path / "pixels.npy", model, "uint8, the model takes real values: give float32")
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "picture.png")
    refused(tmp_path / "picture.png", model, "an array of float32")


def refused(path: Path, model: PreparedModel, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_input(path, model, BYTES)


def test_what_does_not_fit_is_refused_with_what_is_expected(
    ic: PreparedModel, kws: PreparedModel, tmp_path: Path
) -> None:
    np.save(tmp_path / "shape.npy", np.zeros((3, 3), np.int8))
    refused(tmp_path / "shape.npy", ic, r"\(3, 3\), the model takes \(1, 32, 32, 3\)")
    np.save(tmp_path / "type.npy", np.zeros(ic.input.shape, np.int32))
    refused(tmp_path / "type.npy", ic, "int32: give int8")
    np.savez(tmp_path / "two.npz", a=np.zeros(1), b=np.zeros(2))
    refused(tmp_path / "two.npz", ic, "2 arrays")
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    refused(tmp_path / "objects.npy", ic, "no NumPy array")
    (tmp_path / "short.bin").write_bytes(b"12")
    refused(tmp_path / "short.bin", ic, "2 bytes, the model takes 3,072")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "picture.png")
    flat = replace(kws.input, shape=(1, 500))
    refused(tmp_path / "picture.png", replace(kws, inputs=(flat,)), "is a picture")
    refused(
        sound(tmp_path / "features.wav", 500), kws, r"takes \(1, 50, 10, 1\), which are features"
    )
    samples = listening(kws)
    refused(
        sound(tmp_path / "long.wav", 9), samples, r"9 samples .0\.00112 s., the model takes 16,000"
    )
    refused(sound(tmp_path / "stereo.wav", 9, 2), samples, "2 channels")
    refused(tmp_path / "missing.npy", ic, "No such file")
    refused(tmp_path / "what.mp3", ic, r"\.bin, \.npy")


@given(suffix=st.sampled_from([".npy", ".npz", ".png", ".wav"]), data=st.binary(max_size=200))
def test_rubbish_is_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"rubbish{suffix}"
    magic = {".npy": b"\x93NUMPY\x01\x00", ".png": b"\x89PNG\r\n\x1a\n", ".npz": b"PK\x03\x04"}
    for start in (b"", magic.get(suffix, b"RIFF")):
        path.write_bytes(start + data)
        with pytest.raises(UsageError):
            read_input(
                path, listening(model_of("kws")) if suffix == ".wav" else model_of("ic"), BYTES
            )


@pytest.mark.emulator
def test_a_profile_takes_an_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "mine.npy", np.zeros((1, 50, 10, 1), np.int8))
    arguments = ["--platform", "stm32f4", "--benchmark", "kws"]
    assert _run(["profile", *arguments, "--input", str(tmp_path / "mine.npy"), "--json", "-"]) == 0
    assert '"name": "mine.npy"' in capsys.readouterr().out


@pytest.mark.emulator
def test_a_run_measures_the_first_input_and_compares_all_with_the_host(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "black.png")
    given_inputs = ("--input", str(tmp_path / "grey.png"), "--input", str(tmp_path / "black.png"))
    kept = tmp_path / "run.json"
    arguments = ["--platform", "stm32f4", "--benchmark", "ic", "--samples", "3", *given_inputs]
    assert _run(["run", *arguments, "--json", str(kept)]) == 0
    result = json.loads(kept.read_text())["results"][0]
    assert result["input"]["name"] == "grey.png"
    assert (result["parity"]["samples"], result["parity"]["exact"]) == (5, 5)
    assert [said["input"] for said in result["predictions"]] == ["grey.png", "black.png"]
    assert "60 x 40 pixels" in result["notes"][0]


def test_inputs_for_several_benchmarks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["run", "--platform", "stm32f4", "--input", "mine.npy"]) == 2
    assert "one --benchmark" in capsys.readouterr().err


@cache
def two_inputs() -> PreparedModel:
    return prepare((Path(__file__).parent / "data/models/two_inputs_int8.tflite").read_bytes())


def test_a_model_with_several_inputs_takes_one_array_for_each(tmp_path: Path) -> None:
    model = two_inputs()
    rng = np.random.default_rng(5)
    # Any: NumPy 2 types savez's own option like these
    arrays: dict[str, Any] = {
        t.name: rng.integers(-128, 128, t.shape).astype(np.int8) for t in model.inputs
    }
    path = tmp_path / "both.npz"
    np.savez(path, **arrays)
    expected = b"".join(arrays[tensor.name].tobytes() for tensor in model.inputs)
    (tmp_path / "both.bin").write_bytes(expected)
    for name in ("both.npz", "both.bin"):
        found = read_input(tmp_path / name, model, BYTES).input
        assert (found.wire, found.tensor) == (expected, expected)


def test_a_model_with_several_inputs_says_what_is_missing(tmp_path: Path) -> None:
    model = two_inputs()
    first = model.inputs[0]
    np.save(tmp_path / "one.npy", np.zeros(first.shape, np.int8))
    alone: dict[str, Any] = {first.name: np.zeros(first.shape, np.int8)}
    np.savez(tmp_path / "one.npz", **alone)
    (tmp_path / "short.bin").write_bytes(bytes(19))
    for name, said in (
        ("one.npy", "the model takes 2: give an .npz with an array for each"),
        ("one.npz", "has no array for each input"),
        ("short.bin", "an input has 19 bytes, the model takes 20"),
    ):
        with pytest.raises(UsageError, match=said):
            read_input(tmp_path / name, model, BYTES)
