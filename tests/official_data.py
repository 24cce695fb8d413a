"""Data sets of the official names, shapes and formats, made up: the real ones come in no package.

Formats are of mlcommons/tiny, benchmark/evaluation/datasets/README.md at 1afd2c9.
"""

from __future__ import annotations

import json
import re
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLASSES = {"kws01": 12, "vww01": 2, "ic01": 10}
BYTES = {"kws01": 490, "vww01": 96 * 96 * 3, "ic01": 32 * 32 * 3}
_WINDOW, _STRIDE = 640, 128  # floats of an input of ad, and from one to the next


def write_classified(
    root: Path, name: str, each: int = 2, seed: int = 17, files: int | None = None
) -> Path:
    """``each`` files of every class in ``root``/``name``, or so many ``files``; their labels."""
    source = np.random.default_rng(seed)
    folder = root / name
    folder.mkdir(parents=True)
    lines = []
    for index in range(files or each * CLASSES[name]):
        label = index % CLASSES[name]
        file = f"tst_{index:06d}_{label}.bin"
        (folder / file).write_bytes(source.bytes(BYTES[name]))
        lines.append(f"{file},{CLASSES[name]},{label}")
    (folder / "y_labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_recordings(root: Path, each: int = 3, windows: int = 4, seed: int = 17) -> Path:
    """``each`` normal and anomalous files of decibels, of so many inputs each.

    Some of the anomalies are louder than the official model's input can say.
    """
    source = np.random.default_rng(seed)
    folder = root / "ad01"
    folder.mkdir(parents=True)
    floats, lines = _WINDOW + _STRIDE * (windows - 1), []
    for index in range(2 * each):
        is_odd = index % 2
        decibels = source.normal(-40, 6, floats)
        if is_odd:
            decibels += source.normal(0, 2 + index, floats) + (200 if index == 1 else 0)
        file = f"{'anomaly' if is_odd else 'normal'}_id_01_{index:08d}_hist_librosa.bin"
        (folder / file).write_bytes(decibels.astype("<f4").tobytes())
        lines.append(f"{file},2,{is_odd},{4 * _WINDOW},{4 * _STRIDE}")
    (folder / "y_labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def recorded_word(root: Path) -> NDArray[np.int16]:
    """A second with the wake word, which the reference submission of a clone carries as a table."""
    source = "reference_submissions/streaming_wakeword/sww_ref_l4r5zi/Core/Src/fixed_data.c"
    found = re.search(r"test_wav_marvin\[\]\s*=\s*\{([^}]*)\}", (root / source).read_text())
    assert found is not None
    return np.array([int(one) for one in found[1].split(",") if one.strip()], np.int16)


def write_stream(root: Path, word: NDArray[np.int16], words: int) -> list[list[float]]:
    """A stereo recording with ``word`` so often, three seconds of silence before each, and the
    truth that the runner reads; the windows of the words, in seconds."""
    rate, folder = 16_000, root / "sww01"
    folder.mkdir(parents=True)
    silence = np.zeros(3 * rate, np.int16)
    sound = np.concatenate([silence, word] * words + [silence])
    with wave.open(str(folder / "long_wav.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(sound.astype("<i2"), 2).tobytes())
    each = 3.0 + len(word) / rate
    windows = [[each * index + 3.0, each * (index + 1)] for index in range(words)]
    truth = {
        "wav_file": "long_wav.wav",
        "sample_rate": rate,
        "length_sec": len(sound) / rate,
        "detection_windows": windows,
    }
    (folder / "sww_long_test.json").write_text(json.dumps([truth]))
    return windows
