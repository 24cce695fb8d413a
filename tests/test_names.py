from __future__ import annotations

import re
import shutil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simbench.catalog.scenario import Variant
from simbench.firmware import names
from simbench.firmware.build import build_image
from simbench.firmware.image import Function
from simbench.firmware.names import demangle, readable_names


@pytest.mark.image
@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("arm_convolve_s8", "arm_convolve_s8"),
        ("_ZN8simbench14ReadSerialPortEv", "simbench::ReadSerialPort"),
        ("_ZN8simbench12_GLOBAL__N_14ObeyEPc", "simbench::(anonymous)::Obey"),
        ("_ZNK8simbench10OpResolver6FindOpEPKci", "simbench::OpResolver::FindOp"),
        ("_Z4sumsIaEvPT_", "sums<int8_t>"),
        ("_Z4sumsIxEvPT_.constprop.0", "sums<int64_t>"),
        ("_Z4sumsIeEvPT_", "sums<long double>"),
        ("_ZN3DotI6tensorN2ns3outEE3runEv", "Dot<tensor, out>::run"),
        ("_ZN2rs10filter_all17h0123456789abcdefE", "rs::filter_all"),
        ("_RNvCs1234_2rs10filter_all", "rs::filter_all"),
        ("_RNvXs_CsfB1lm_2rsNtB4_3FooNtNtCs_4core3fmt5Debug3fmt", "<Foo as Debug>::fmt"),
        ("_Z", "_Z"),
        ("_Zwhat is this\n", "_Zwhat is this\n"),
    ],
)
def test_a_symbol_is_made_readable(symbol: str, name: str) -> None:
    assert demangle(symbol) == name


def named(*symbols: str) -> list[str]:
    functions = [Function(16 * place, 16, symbol) for place, symbol in enumerate(symbols)]
    return list(readable_names(functions).values())


@pytest.mark.image
def test_instances_of_one_template_are_told_apart() -> None:
    assert named("_Z4sumsIaEvPT_", "_Z4sumsIhEvPT_") == ["sums<int8_t>", "sums<uint8_t>"]


@pytest.mark.image
def test_what_tells_equal_names_apart_is_shown() -> None:
    assert named("_Z4sumsPa", "_Z4sumsPh") == ["sums(int8_t*)", "sums(uint8_t*)"]
    assert named("_Z3runIN1a1TEEvv", "_Z3runIN1b1TEEvv") == ["run<a::T>", "run<b::T>"]
    assert named("_Z3runi", "_Z3runi.part.0") == ["run(int)", "run(int).part.0"]
    first, second = (f"_ZN2rs3run17h{n:016x}E" for n in (1, 2))
    assert named(first) == ["rs::run"]
    assert named(first, second) == ["rs::run::h0000000000000001", "rs::run::h0000000000000002"]
    assert named("start", "start", "") == ["start@0", "start@10", "0x00000020"]


def test_without_binutils_names_stay_as_the_compiler_made_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    names._demangled.cache_clear()
    assert named("_Z4sumsPa", "_Z4sumsPh") == ["_Z4sumsPa", "_Z4sumsPh"]
    names._demangled.cache_clear()


@pytest.mark.image
@example(["sums@10", "sums", "sums@10@10"] + ["sums@10"] * 3 + ["0x00000060", ""])
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["_Z4sumsPa", "_Z4sumsPh", "_Z4sumsIaEvPT_", "sums", "", "sums@10"]),
            st.from_regex(r"_?Z?[A-Za-z_0-9.$]{0,12}", fullmatch=True),
        ),
        max_size=12,
    )
)
def test_no_two_functions_have_one_name(symbols: list[str]) -> None:
    found = named(*symbols)
    assert len(found) == len(set(found)) == len(symbols)


@pytest.mark.image
def test_the_firmware_has_short_and_different_names() -> None:
    image = build_image("cortex-m4", Variant())
    found = readable_names(image.functions)
    assert len(set(found.values())) == len({f.start for f in image.functions})
    assert not [name for name in found.values() if name.startswith("_Z")]
    lengths = sorted(map(len, found.values()))
    assert lengths[len(lengths) // 2] < 50
    assert re.search(r"<int8_t\b", " ".join(found.values()))
