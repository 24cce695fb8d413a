"""The audio front end is TensorFlow's, bit for bit."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from simbench.accuracy import sounds, speech
from simbench.accuracy.fixed_fft import real_fft
from simbench.accuracy.frontend import FrontEnd
from simbench.files.fetch import fetch_crate

HERE = Path(__file__).resolve().parent
FRONT_ENDS = {
    "words": speech.FRONT_END,
    "machines": sounds.FRONT_END,
    "micro speech": FrontEnd(window_ms=30, step_ms=20, channels=40),
    "from the lowest bin": FrontEnd(window_ms=25, step_ms=10, channels=32, lower_hz=20.0),
    "48 kHz": FrontEnd(64, 32, 128, upper_hz=23_000.0, rate=48_000),
}
NOISE = np.random.Generator(np.random.Philox(key=1))

Reference = Callable[[FrontEnd, NDArray[np.int16]], NDArray[np.uint16]]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """TensorFlow's own source, compiled here."""
    program = _compiled(tmp_path_factory.mktemp("microfrontend"))

    def features(front_end: FrontEnd, samples: NDArray[np.int16]) -> NDArray[np.uint16]:
        f = front_end
        words = [f.window_ms, f.step_ms, f.channels, f.lower_hz, f.upper_hz, f.rate]
        command = [str(program), *map(str, words)]
        given = samples.astype("<i2").tobytes()
        said = subprocess.run(command, input=given, capture_output=True, check=True).stdout
        return np.frombuffer(said, "<u2").reshape(-1, f.channels)

    return features


def _compiled(folder: Path) -> Path:
    tensorflow = fetch_crate("tfmicro") / "submodules" / "tensorflow"
    library = tensorflow / "tensorflow/lite/experimental/microfrontend/lib"
    kissfft = tensorflow / "tensorflow/lite/micro/tools/make/downloads/kissfft"
    names = ["frontend", "window", "filterbank", "noise_reduction", "pcan_gain_control"]
    sources = [library / f"{n}{end}.c" for n in (*names, "log_scale") for end in ("", "_util")]
    sources += [library / "log_lut.c", library / "fft.cc", library / "fft_util.cc"]
    sources += [kissfft / "kiss_fft.c", kissfft / "tools" / "kiss_fftr.c"]
    options = [f"-I{tensorflow}", f"-I{kissfft}", f"-I{kissfft}/tools", "-DFIXED_POINT=16", "-w"]
    for source in (HERE / "microfrontend" / "main.c", *sources):
        compiler = "c++" if source.suffix == ".cc" else "cc"
        subprocess.run([compiler, *options, "-c", source], cwd=folder, check=True)
    objects = sorted(folder.glob("*.o"))
    subprocess.run(["c++", *objects, "-lm", "-o", folder / "reference"], check=True)
    return folder / "reference"


def sounds_of(length: int) -> dict[str, NDArray[np.int16]]:
    step = np.arange(length)
    return {
        "noise": NOISE.integers(-(2**15), 2**15, length).astype(np.int16),
        "faint noise": NOISE.integers(-2, 3, length).astype(np.int16),
        "silence": np.zeros(length, np.int16),
        "the lowest value": np.full(length, -(2**15), np.int16),
        "a square of full swing": np.where(step // 7 % 2, 32767, -32768).astype(np.int16),
        "a tone that fades": (2**14 * np.exp(-step / 3e3) * np.sin(step / 5)).astype(np.int16),
    }


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_features_are_those_of_tensorflow(name: str, reference: Reference) -> None:
    front_end = FRONT_ENDS[name]
    for what, samples in sounds_of(front_end.rate // 2).items():
        found, expected = front_end.features(samples), reference(front_end, samples)
        assert expected.size > 0
        assert np.array_equal(found, expected), what


@given(
    arrays(np.int16, st.integers(480, 1500), elements=st.integers(-(2**15), 2**15 - 1)),
    st.sampled_from([1, 16, 256, 4096]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_features_of_any_samples_are_those_of_tensorflow(
    reference: Reference, samples: NDArray[np.int16], quieter: int
) -> None:
    quiet = (samples.astype(int) // quieter).astype(np.int16)
    front_end = FRONT_ENDS["words"]
    assert np.array_equal(front_end.features(quiet), reference(front_end, quiet))


@pytest.mark.parametrize("size", [8, 32, 128, 512, 1024])
def test_the_transform_is_one_to_the_precision_of_16_bits(size: int) -> None:
    samples = NOISE.integers(-(2**15), 2**15, (3, size))
    found = real_fft(samples)
    expected = np.fft.rfft(samples) / size
    error = np.abs(found[0] + 1j * found[1] - expected)
    # every stage rounds once or twice, and divides by its radix what the earlier ones left
    assert error.max() < 4


def test_a_sound_shorter_than_a_window_has_no_features() -> None:
    assert speech.FRONT_END.features(np.zeros(479, np.int16)).shape == (0, 10)


def test_a_second_has_the_frames_that_training_resized() -> None:
    assert len(speech.FRONT_END.features(np.zeros(16_000, np.int16))) == 49


def test_a_tone_is_loudest_where_its_pitch_is() -> None:
    tone = (8000 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)).astype(np.int16)
    loudest = speech.FRONT_END.features(tone).argmax(axis=1)
    # ten channels equally spaced in mel from 125 Hz to 4 kHz: 1 kHz is 1000 of 185 to 2146 mel
    assert set(loudest.tolist()) == {4}
