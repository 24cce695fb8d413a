"""The shield's commands, as pure functions of its settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import MappingProxyType

PROMPT = "PowerShield > "
_LONGEST_S = 100.0
_BOARD_ID = "0-0-0"
_VERSION = "1.0.7"
_FREQUENCIES = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000),
)
_MOST_ENERGY_HZ = 10_000
_ASCII_LIMITS_S = {10_000: 1.0, 20_000: 0.5}
_MOST_ASCII_HZ = 20_000
_NUMBER = re.compile(r"(\d{1,9})(?:([umk])|([+-]\d{1,2}))?", re.ASCII)
_SCALES = {"u": 1e-6, "m": 1e-3, "k": 1e3}


class Act(Enum):
    """What a command makes the shield do."""

    NOTHING = auto()
    START = auto()
    STOP = auto()
    POWER_ON = auto()
    POWER_OFF = auto()
    RESET_TARGET = auto()


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure; the defaults are the shield's. ``duration_s`` None is without end."""

    volts: float
    frequency_hz: int = 100
    duration_s: float | None = 10.0
    is_energy: bool = False
    is_binary: bool = False
    delay_s: float = 1e-3
    has_events: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the shield says to a command, and does."""

    text: str
    settings: Settings
    act: Act = Act.NOTHING


class Refused(Exception):
    """A command is wrong, or what it asks for is not modelled; says why."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What a command comes to: the settings after it, and what is said after its repetition."""

    settings: Settings
    act: Act = Act.NOTHING
    fact: str = ""


_Handle = Callable[[Sequence[str], Settings], _Step]


def answer(line: str, settings: Settings, *, is_measuring: bool) -> Answer:
    """What the shield answers to the command ``line``."""
    name, *words = line.split() or [""]
    if name == "echo":
        return Answer(f"\r\n{PROMPT}{line}\r\n", settings)
    try:
        if name not in _COMMANDS:
            raise Refused("unknown command")
        if is_measuring and name not in _ANY_TIME:
            raise Refused("not while measuring: send stop first")
        step = _COMMANDS[name](words, settings)
    except Refused as refused:
        said = f"\r\n{PROMPT}error {line}\r\nError detail: {refused}\r\n\r\n"
        return Answer(said, settings)
    said = "" if step.act is Act.STOP else f"\r\n{PROMPT}ack {line}{step.fact}\r\n\r\n"
    return Answer(said, step.settings, step.act)


def number(text: str) -> float:
    """A number as the shield reads it: 100, 3300m, 10k, 2-3 for 0.002."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Refused(f"{text} is no number such as 100, 3300m, 10k or 2-3")
    digits, unit, power = found.groups()
    return float(f"{digits}e{power or 0}") * _SCALES.get(unit, 1.0)


def _word(words: Sequence[str], *choices: str) -> str:
    if not words or (choices and words[0] not in choices):
        raise Refused(f"give one of {', '.join(choices)}" if choices else "a value is missing")
    return words[0]


def _within(value: float, least: float, most: float) -> float:
    if not least <= value <= most:
        raise Refused(f"give a value from {least:g} to {most:g}")
    return value


def _accept(_: Sequence[str], settings: Settings) -> _Step:
    return _Step(settings)


def _say(fact: str) -> _Handle:
    return lambda _, settings: _Step(settings, fact=fact)


def _only(choice: str) -> _Handle:
    def handle(words: Sequence[str], settings: Settings) -> _Step:
        if _word(words) != choice:
            raise Refused(f"only {choice} is modelled")
        return _Step(settings)

    return handle


def _volt(words: Sequence[str], settings: Settings) -> _Step:
    if _word(words) == "get":
        return _Step(settings, fact=f" {settings.volts * 1000:04.0f}-03")
    if abs(number(words[0]) - settings.volts) > 1e-6:
        raise Refused(
            f"the board's energy is known at {settings.volts * 1000:.0f}m alone: in the runner's "
            f"devices file, set voltage: {settings.volts:g}"
        )
    return _Step(settings)


def _freq(words: Sequence[str], settings: Settings) -> _Step:
    frequency = number(_word(words))
    if frequency not in _FREQUENCIES:
        raise Refused(f"give one of {', '.join(map(str, _FREQUENCIES))}")
    return _Step(replace(settings, frequency_hz=int(frequency)))


def _acqtime(words: Sequence[str], settings: Settings) -> _Step:
    seconds = 0.0 if _word(words) == "inf" else number(words[0])
    duration = _within(seconds, 100e-6, _LONGEST_S) if seconds else None
    return _Step(replace(settings, duration_s=duration))


def _output(words: Sequence[str], settings: Settings) -> _Step:
    return _Step(replace(settings, is_energy=_word(words, "current", "energy") == "energy"))


def _format(words: Sequence[str], settings: Settings) -> _Step:
    chosen = _word(words, "ascii_dec", "bin_hexa")
    return _Step(replace(settings, is_binary=chosen == "bin_hexa"))


def _funcmode(words: Sequence[str], settings: Settings) -> _Step:
    _word(words, "optim", "high")  # how well currents are resolved: here they have no noise
    return _Step(settings)


def _trigdelay(words: Sequence[str], settings: Settings) -> _Step:
    return _Step(replace(settings, delay_s=_within(number(_word(words)), 0, 30)))


def _eventsrc(words: Sequence[str], settings: Settings) -> _Step:
    return _Step(replace(settings, has_events=_word(words, "d7", "sw") == "d7"))


def _pwr(words: Sequence[str], settings: Settings) -> _Step:
    acts = {"on": Act.POWER_ON, "off": Act.POWER_OFF, "auto": Act.NOTHING}
    return _Step(settings, acts[_word(words, *acts)])


def _targrst(words: Sequence[str], settings: Settings) -> _Step:
    seconds = number(_word(words))
    if seconds == 0:
        return _Step(settings, Act.POWER_OFF)
    _within(seconds, 10e-3, 1)
    return _Step(settings, Act.RESET_TARGET)


def _start(_: Sequence[str], settings: Settings) -> _Step:
    frequency = settings.frequency_hz
    if settings.is_energy and frequency > _MOST_ENERGY_HZ:
        raise Refused(f"energy is sampled at {_MOST_ENERGY_HZ} Hz at most")
    if not settings.is_binary:
        if frequency > _MOST_ASCII_HZ:
            raise Refused(f"ascii_dec is for {_MOST_ASCII_HZ} Hz at most")
        limit = _ASCII_LIMITS_S.get(frequency)
        if limit is not None and (settings.duration_s is None or settings.duration_s > limit):
            raise Refused(f"ascii_dec at {frequency} Hz is for {limit:g} s at most")
    return _Step(settings, Act.START)


def _stop(_: Sequence[str], settings: Settings) -> _Step:
    return _Step(settings, Act.STOP)


def _help(_: Sequence[str], settings: Settings) -> _Step:
    return _Step(settings, fact="\r\n" + "\r\n".join(_COMMANDS) + f"\r\n{PROMPT}")


_COMMANDS: Mapping[str, _Handle] = MappingProxyType(
    {
        "help": _help,
        "powershield": _say(f" {_BOARD_ID}"),
        "version": _say(f": {_VERSION}"),
        "status": _say(" ok"),
        "htc": _accept,
        "hrc": _accept,
        "lcd": _accept,
        "volt": _volt,
        "freq": _freq,
        "acqtime": _acqtime,
        "acqmode": _only("dyn"),
        "funcmode": _funcmode,
        "output": _output,
        "format": _format,
        "trigsrc": _only("sw"),
        "trigdelay": _trigdelay,
        "eventsrc": _eventsrc,
        "pwr": _pwr,
        "pwrend": _only("on"),
        "targrst": _targrst,
        "start": _start,
        "stop": _stop,
    }
)
_ANY_TIME = ("stop", "status", "lcd", "pwr", "targrst", "powershield", "version", "htc", "hrc")
