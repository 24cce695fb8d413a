"""The study of keyword spotters: how its tables are made of rows."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import ROOT, script

STUDY = script("spotters_study")


def test_equal_values_share_a_rank() -> None:
    assert STUDY.ranks(np.array([5.0, 1.0, 5.0, 9.0])).tolist() == [1.5, 0.0, 1.5, 3.0]
    assert STUDY.correlation(np.array([1.0, 2, 3]), np.array([10.0, 20, 40])) == pytest.approx(1)
    assert STUDY.correlation(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)


def test_the_most_apart_are_looked_for_among_those_near_each_other() -> None:
    macs, cycles = np.array([100.0, 104.0, 109.0, 200.0]), np.array([10.0, 30.0, 60.0, 900.0])
    assert STUDY.apart(macs, cycles) == 3.0


def test_pairs_change_places_where_the_one_is_less_and_the_other_more() -> None:
    assert STUDY.swapped(np.array([1.0, 2, 3]), np.array([1.0, 3, 2])) == pytest.approx(1 / 3)
    assert STUDY.swapped(np.array([1.0, 2, 3]), np.array([4.0, 5, 6])) == 0


def test_a_front_has_what_none_beats() -> None:
    value, cost = np.array([1.0, 5, 4, 9]), np.array([1.0, 2, 3, 9])
    assert STUDY.front(value, cost) == {0, 1, 3}


def test_the_tenth_with_fewest_is_held_against_the_other_tenth() -> None:
    macs = np.arange(20.0)
    assert STUDY.shared(macs, macs) == 1
    assert STUDY.shared(macs, macs[::-1].copy()) == 0


def test_the_page_shows_the_picture_and_the_tables() -> None:
    page = (ROOT / "docs" / "studies" / "spotters.md").read_text("utf-8")
    assert "pictures/spotters.svg" in page
    assert STUDY.PICTURE.is_file()
    assert all(f"| {core} | {board} |" in page for board, (core, _) in STUDY.BOARDS.items())
