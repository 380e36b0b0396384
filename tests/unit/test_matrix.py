"""The matrix of pairs agrees with aeon's and with statsmodels, and a pair knows of no third entry."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from bench.analysis import forms, matrix_tables
from bench.analysis.columns import error_change
from bench.analysis.contest import TIE, Contest
from bench.analysis.leaderboard import Leaderboard
from bench.analysis.matrix import Pair, pairs
from bench.analysis.views import View

AEON = json.loads((Path(__file__).parent / "multi_comparison.json").read_text())
"""What aeon 1.6.0 (with scipy 1.17.1) makes of scores whose differences are 0 or far more than a tie; aeon
needs older packages than bench, so that it is not run here:

    rng = np.random.default_rng(1)
    scores = (rng.integers(-3, 4, (18, 6)) + np.array([0, 0, 1, 2, 3, 8])) / 8
    create_multi_comparison_matrix(
        pd.DataFrame(scores, columns=list("abcdef")), "mcm", formats="json",
        pvalue_test_params={"zero_method": "pratt", "alternative": "two-sided"},
    )
    json.load(open("mcm_analysis.json"))["a-vs-b"], and so on
"""


def contest() -> Contest:
    return Contest(entries=tuple("abcdef"), log_ratio=np.array(AEON["scores"]), anchor="c")


def board(of: Contest, **view: object) -> Leaderboard:
    return Leaderboard(
        view=View(**view),
        budget="2 s",
        replay=False,
        n_tasks=18,
        datasets={"binary": 18},
        rows=(),
        notes=("A note.",),
        contest=of,
    )


def test_every_pair_agrees_with_aeon():
    found = pairs(contest())
    assert len(found) == len(AEON["pairs"]) == 30
    for pair in found:
        expected = AEON["pairs"][f"{pair.entry}-vs-{pair.against}"]
        assert (pair.wins, pair.ties, pair.losses) == tuple(expected[k] for k in ("win", "tie", "loss"))
        assert pair.log_ratio == pytest.approx(expected["mean"], rel=1e-12)
        assert pair.p == pytest.approx(expected["pvalue"], rel=1e-9)
        assert pair.told_apart == expected["is-significant"]
        assert pair.n == 18
    assert {pair.told_apart for pair in found} == {True, False}
    assert sum(pair.p < 0.05 for pair in found) > sum(pair.told_apart for pair in found)


def test_the_adjustment_is_holm_s_over_the_pairs_that_met():
    rng = np.random.default_rng(4)
    ratio = rng.normal(size=(5, 12)) + np.arange(5.0)[:, None]
    ratio[4, 6:], ratio[0, :6] = math.nan, math.nan
    found = pairs(Contest(entries=tuple("abcde"), log_ratio=ratio))
    once = [pair for pair in found if pair.entry < pair.against]
    met = [pair for pair in once if pair.n]
    assert (len(once), len(met)) == (10, 9)
    expected = multipletests([pair.p for pair in met], method="holm")[1]
    assert [pair.p_holm for pair in met] == pytest.approx(list(expected))
    assert all(math.isnan(pair.p_holm) for pair in found if not pair.n)


def test_both_ways_round_a_pair_says_the_same():
    found = {(pair.entry, pair.against): pair for pair in pairs(contest())}
    for (one, other), pair in found.items():
        back = found[other, one]
        assert (back.wins, back.ties, back.losses) == (pair.losses, pair.ties, pair.wins)
        assert back.log_ratio == -pair.log_ratio
        assert (back.p, back.p_holm, back.n) == (pair.p, pair.p_holm, pair.n)


def test_a_pair_knows_of_no_third_entry_but_in_its_adjusted_p():
    whole = {(pair.entry, pair.against): pair for pair in pairs(contest())}
    narrow = pairs(Contest(entries=("a", "e"), log_ratio=contest().log_ratio[[0, 4]]))
    for pair in narrow:
        of_all = whole[pair.entry, pair.against]
        for name in ("n", "wins", "ties", "losses", "log_ratio", "p"):
            assert getattr(pair, name) == getattr(of_all, name)
        assert pair.p_holm == pair.p < of_all.p_holm


def test_only_datasets_that_both_have_count():
    ratio = np.array([[0.0, 1.0, math.nan, 2.0], [math.nan, 1.0 + TIE / 2, 3.0, 1.0], [5.0] + [math.nan] * 3])
    found = {
        (pair.entry, pair.against): pair for pair in pairs(Contest(entries=tuple("abc"), log_ratio=ratio))
    }
    pair = found["a", "b"]
    assert (pair.n, pair.wins, pair.ties, pair.losses) == (2, 1, 1, 0)
    assert pair.log_ratio == pytest.approx((1 - TIE / 2) / 2)
    nothing = found["b", "c"]
    assert (nothing.n, nothing.wins, nothing.ties, nothing.losses) == (0, 0, 0, 0)
    assert all(math.isnan(value) for value in (nothing.log_ratio, nothing.p, nothing.p_holm))
    assert not nothing.told_apart
    assert found["a", "b"].p_holm == pytest.approx(min(1.0, 2 * pair.p)), "two pairs met"


def test_text_is_numbered_and_fits_a_hundred_columns():
    names = tuple(f"a-rather-long-name-{i}" for i in range(12))
    wide = Contest(entries=names, log_ratio=np.random.default_rng(0).normal(size=(12, 10)))
    lines = forms.text(matrix_tables.sheet(board(wide))).splitlines()
    assert max(map(len, lines)) <= 100
    heads = [line.split() for line in lines if line.startswith("learner")]
    assert [int(i) for head in heads for i in head[1:]] == list(range(1, 13))
    for i, name in enumerate(names, 1):
        assert sum(line.startswith(f"{i:>2} {name}") for line in lines) == len(heads)


def test_a_cell_is_the_row_against_the_column():
    shown = matrix_tables.sheet(board(contest()))
    for pair in pairs(contest()):
        i, j = (contest().entries.index(name) for name in (pair.entry, pair.against))
        mark = "*" if pair.told_apart else " "
        expected = f"{error_change(pair.log_ratio)} {pair.wins}/{pair.ties}/{pair.losses}{mark}"
        assert shown.lines[i][1 + j] == expected
    assert [line[1 + i] for i, line in enumerate(shown.lines)] == [""] * 6
    assert shown.lines[5][1] == "-68 18/0/0*", "f has the lower errors"
    assert "adjusted by Holm for 15 pairs" in shown.legend
    assert shown.notes == ("A note.",)


def test_csv_has_a_line_for_each_pair_with_every_number_in_full():
    records = list(csv.DictReader(io.StringIO(matrix_tables.to_csv(board(contest())))))
    for record, pair in zip(records, pairs(contest()), strict=True):
        assert list(record) == list(Pair.__slots__)
        assert record == {name: str(getattr(pair, name)) for name in Pair.__slots__}
    sizes = [board(contest(), train_rows=size) for size in (250, "full")]
    both = list(csv.reader(io.StringIO(matrix_tables.to_csv(*sizes))))
    assert both[0] == ["train_rows", *Pair.__slots__]
    assert [line[0] for line in both[1:]] == ["250"] * 30 + ["full"] * 30


def test_json_gives_the_pairs_back():
    apart = Contest(entries=("a", "b"), log_ratio=np.array([[0.0, math.nan], [math.nan, 1.0]]))
    record = json.loads(matrix_tables.to_json(board(contest())))
    assert [Pair(**pair) for pair in record["pairs"]] == list(pairs(contest()))
    assert (record["entries"], record["notes"]) == (list("abcdef"), ["A note."])
    first, second = json.loads(matrix_tables.to_json(board(apart), board(contest())))
    assert first["pairs"][0]["log_ratio"] is first["pairs"][0]["p_holm"] is None
    assert second == record


def test_a_matrix_of_nobody_is_still_a_table():
    empty = board(Contest(log_ratio=np.empty((0, 0))))
    assert "Tables compared: 18 binary" in forms.text(matrix_tables.sheet(empty))
    assert len(matrix_tables.to_csv(empty).splitlines()) == 1
