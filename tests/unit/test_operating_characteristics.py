"""The rules are right as often as their page says, and the page is that of the saved tables."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from bench.analysis.inference.significance import wilcoxon
from bench.verdicts import Rule


@pytest.fixture(scope="module")
def script(root):
    path = root / "benchmarks" / "operating_characteristics.py"
    spec = importlib.util.spec_from_file_location("operating_characteristics", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_small_simulation_finds_the_effect_and_does_not_find_the_null(script):
    rows = script.rule_rows(draws=400, sizes=(16,), spreads=(1, 3), truths=(-1, 0, 3))
    cells = {
        (cell["spread"], cell["truth"]): cell
        for cell in rows
        if cell["rule"] == "superiority" and cell["effects"] == "heavy tails"
    }
    rate = {at: {word: float(cell[word]) for word in ("supported", "refuted")} for at, cell in cells.items()}
    assert rate[1, 0]["supported"] <= 0.01
    assert rate[3, 0]["supported"] <= 0.04
    assert rate[3, -1]["supported"] == 0
    assert rate[1, 3]["supported"] >= 0.97
    assert rate[3, 3]["supported"] >= 0.85
    assert rate[1, 0]["refuted"] >= 0.85
    assert rate[3, -1]["refuted"] >= 0.65
    assert rate[3, 3]["refuted"] == 0


def test_the_saved_tables_keep_what_the_rules_promise(script):
    rows = script.read(script.RULES_CSV)
    draws = {int(cell["draws"]) for cell in rows}
    assert min(draws) >= 2_000
    at_zero = [
        cell
        for cell in rows
        if float(cell["truth"]) == 0 and cell["effects"] == "heavy tails" and cell["rule"] != "equivalence"
    ]
    assert len(at_zero) == 2 * len(script.SIZES) * len(script.SPREADS)
    assert max(float(cell["supported"]) for cell in at_zero) <= 0.025
    for cell in rows:
        assert sum(float(cell[word.value.lower()]) for word in script.WORDS) == pytest.approx(1.0, abs=2e-4)


def test_the_page_is_that_of_the_saved_tables(script):
    assert script.PAGE.read_text(encoding="utf-8") == script.page(
        script.read(script.RULES_CSV), script.read(script.FOLDS_CSV)
    )


def test_a_row_of_the_saved_table_comes_out_again(script):
    rows = script.rule_rows(sizes=(8,), spreads=(3,), truths=(0.5,))
    saved = script.read(script.RULES_CSV)
    for fresh in rows:
        of_cell = {key: str(fresh[key]) for key in ("rule", "effects", "spread", "n", "truth", "draws")}
        (kept,) = [cell for cell in saved if of_cell.items() <= cell.items()]
        assert abs(float(kept["supported"]) - float(fresh["supported"])) <= 0.001


def test_the_p_values_of_all_rows_at_once_are_those_of_each(script):
    values = script.sample(Rule.SUPERIORITY, 16, 3, 0.5, 20)
    np.testing.assert_allclose(script.signed_rank_p(values), [wilcoxon(row) for row in values])


def test_the_corrected_t_keeps_its_level_where_the_naive_one_does_not(script):
    scheme = script.SCHEMES["10 times 5 folds"]
    differences = script.fold_differences(np.random.default_rng(1), 400, (60, 20), scheme)
    assert differences.shape == (400, 50)
    said = {
        ratio: np.mean([script.corrected_t(row, ratio).p < 0.05 for row in differences])
        for ratio in (0.0, 0.25)
    }
    assert said[0.0] >= 0.4
    assert said[0.25] <= 0.08
    assert abs(differences.mean()) < 3 * differences.mean(axis=1).std() / np.sqrt(400)
