"""An application's cycle: how often it infers, what it sleeps at, what it lives on."""

from __future__ import annotations

from dataclasses import dataclass

from simbench.errors import UsageError
from simbench.files.datafile import parse_number


@dataclass(frozen=True, slots=True)
class Battery:
    """What a battery holds, in ampere seconds, at its voltage; ``text`` is how it was written."""

    charge_c: float
    volts: float
    text: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """An inference every ``period_s``, and sleep between. ``sleep_a`` is a user's own current, at
    the board's supply; None takes the platform's."""

    period_s: float
    battery: Battery | None = None
    sleep_a: float | None = None


def read_cycle(every: str | None, battery: str | None, sleep: str | None) -> Cycle | None:
    """The cycle that the options say ("1s", "225mAh@3V", "2.5uA"); None where none is asked for.

    Raises UsageError saying how to write them.
    """
    if every is None:
        if battery is not None or sleep is not None:
            raise UsageError("--battery and --sleep are of an inference now and then: give --every")
        return None
    period_s = _positive("--every", every, "s", "1s, 250ms or 10min")
    current = None if sleep is None else _positive("--sleep", sleep, "A", "2.5uA or 1mA")
    return Cycle(period_s, None if battery is None else _battery(battery), current)


def _battery(text: str) -> Battery:
    form = "225mAh@3V"
    charge, at, volts = text.partition("@")
    if not at:
        raise UsageError(f"--battery {text} cannot be read: write it as {form}")
    hours = _positive("--battery", charge, "Ah", form)
    return Battery(hours * 3600, _positive("--battery", volts, "V", form), text)


def _positive(option: str, text: str, unit: str, form: str) -> float:
    try:
        value = parse_number(text, unit)
    except ValueError:
        value = 0.0
    if not value > 0 or not any(character.isalpha() for character in text):
        raise UsageError(f"{option} {text} cannot be read: write it as {form}")
    return value
