"""Controls make a verdict INVALID where they fail, and what should not matter to a verdict does not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from claim_worlds import MARGIN, TRIALS, World, advantages, changed, claim, own_seeds, versus

from bench.analysis.claims.evidence import Asked, Evidence
from bench.analysis.claims.text import line, text
from bench.analysis.claims.verdicts import verdict
from bench.analysis.frames import cells_frame, trials_frame
from bench.claims import Condition, Controls, Count, Pair, Side, Unit
from bench.verdicts import Rule, Word

ROTATED = "rotate-features"
PLANTED = advantages({"alpha": 2 * MARGIN, "dummy": -0.5})
SEEDS = (0, 1)


def control(found):
    (only,) = found.controls
    return only


def held(world, asked):
    """Return whether the one control of a claim held; the verdict must say the same."""
    found = world.verdict(asked)
    one = control(found)
    if one.held is False:
        assert found.decision.word is Word.INVALID
        assert f"control {one.name} failed: {one.text}" in found.decision.why
        assert "FAILED" in text(found)
        assert not found.marked
    else:
        assert found.decision.word is not Word.INVALID
    return one.held


class TestSame:
    """A side that is run twice differs by noise, and by not too much of it."""

    asked = claim(controls=Controls(same=("a",)))

    def noisy(self, sd, shift=0.0):
        def errors(at):
            again = at.seed == 1 and at.learner == "alpha"
            return PLANTED(replace(at, seed=0)) * math.exp(again * (shift + sd * at.draw(at.id)))

        return World(errors=errors, seeds=SEEDS)

    def test_little_noise_is_none(self):
        assert held(self.noisy(0.02), self.asked)

    def test_noise_that_drowns_the_margin_fails(self):
        assert held(self.noisy(0.3), self.asked) is False

    def test_a_difference_fails(self):
        """A side that is better the second time by more than the margin is not the same."""
        assert held(self.noisy(0.001, shift=-1.2 * MARGIN), self.asked) is False

    def test_the_second_run_is_no_part_of_the_contrasts(self):
        quiet, loud = (self.noisy(0.02, shift=shift) for shift in (0.0, 0.4 * MARGIN))
        one, two = (world.verdict(self.asked).contrasts[0].effect for world in (quiet, loud))
        assert one == two

    def test_noise_is_the_standard_error_of_a_mean_that_is_0(self):
        noisy = self.noisy(0.1)
        shifts = [0.1 * at.draw(at.id) for at in noisy.places() if at.learner == "alpha" and at.seed == 1]
        noise = math.sqrt(np.mean(np.square(shifts)) / len(shifts))
        assert f"noise {100 * math.expm1(noise):.2g} %" in control(noisy.verdict(self.asked)).text

    def test_where_seeds_are_the_sample_it_is_between_them(self):
        asked = claim(unit=Unit.SEED, fewest=5, controls=Controls(same=("a",)))
        world = World(errors=PLANTED, datasets=("d0", "d1"), seeds=tuple(range(5)))
        assert held(world, asked)
        assert "from 8 differences between two seeds" in control(world.verdict(asked)).text
        loud = advantages({"alpha": 9 * MARGIN, "dummy": -0.5}, sd=0.2)
        assert held(changed(world, errors=loud), asked) is False


class TestNull:
    """What must not notice an intervention has the same errors under both."""

    asked = claim(
        versus(Rule.INTERACTION, intact="scaled-features", altered=ROTATED),
        controls=Controls(null=("beta",)),
    )

    def moved(self, by, *, most=math.inf, **changes):
        """Return a world in which beta's error moves by so much under the intervention."""

        def errors(at):
            altered = at.intervention == ROTATED
            advantage = 0.0 if altered or at.learner != "alpha" else 3 * MARGIN
            moves = by if altered and at.learner == "beta" and int(at.dataset[1:]) < most else 0.0
            still = at.draw(at.dataset, at.learner, at.learner == "alpha" and altered)
            return 0.3 * math.exp(moves - advantage + 0.01 * still)

        return World(errors=errors, interventions=("scaled-features", ROTATED), **changes)

    def test_what_stands_still_holds(self):
        found = self.moved(0.0).verdict(self.asked)
        assert control(found).text == "equal but for rounding on 12 of 12 datasets, trial for trial"
        assert found.decision.word is Word.SUPPORTED

    def test_rounding_is_no_move(self):
        assert "12 of 12 datasets" in control(self.moved(1e-9).verdict(self.asked)).text

    def test_ties_may_move_it_a_little(self):
        assert held(self.moved(0.05 * MARGIN), self.asked)
        assert held(self.moved(0.5 * MARGIN, most=1), self.asked)

    @pytest.mark.parametrize("by", [0.2 * MARGIN, -0.2 * MARGIN])
    def test_what_moves_fails(self, by):
        assert held(self.moved(by), self.asked) is False

    def test_moves_up_and_down_do_not_cancel(self):
        def errors(at):
            sign = 1 if int(at.dataset[1:]) % 2 else -1
            moves = at.intervention == ROTATED and at.learner == "beta"
            return self.moved(0.0).errors(at) * math.exp(0.3 * MARGIN * sign * moves)

        assert held(changed(self.moved(0.0), errors=errors), self.asked) is False

    def test_trials_past_the_budget_are_not_looked_at(self):
        def later(at):
            return 0.01 if at.intervention == ROTATED else 0.5

        assert held(changed(self.moved(0.0), later=later), self.asked)


class TestPositive:
    """What is known to be better must be found to be."""

    asked = claim(controls=Controls(positive=Pair("b", "chance")))

    def test_found(self):
        assert held(World(errors=PLANTED), self.asked)

    def test_not_found(self):
        assert held(World(errors=advantages({"alpha": 2 * MARGIN})), self.asked) is False

    def test_of_too_few_datasets_nothing_is_known(self):
        found = World(errors=PLANTED, datasets=("d0", "d1", "d2")).verdict(self.asked)
        assert control(found).held is None
        assert found.decision.word is Word.INCONCLUSIVE
        assert found.decision.needs == "5 more datasets"

    def test_of_too_few_seeds_nothing_is_known(self):
        asked = replace(self.asked, unit=Unit.SEED, fewest=5)
        world = World(errors=PLANTED, datasets=("d0", "d1"), seeds=tuple(range(5)))
        assert held(world, asked)
        assert control(changed(world, seeds=(0, 1)).verdict(asked)).held is None
        assert control(changed(world, datasets=("d0",)).verdict(asked)).held is None


class TestPermutedLabels:
    """Where labels say nothing nobody beats the dummy."""

    asked = claim(controls=Controls(permuted_labels=("a",)))

    def world(self, advantage):
        def errors(at):
            if at.intervention != "random-labels":
                return PLANTED(at)
            return advantages({"alpha": advantage, "dummy": 0.0}, base=0.5)(at)

        return World(errors=errors, interventions=("none", "random-labels"))

    def test_at_chance_or_worse(self):
        assert held(self.world(0.0), self.asked)
        assert held(self.world(-0.3), self.asked)

    def test_better_than_chance(self):
        assert held(self.world(2 * MARGIN), self.asked) is False

    def test_one_table_is_enough_to_fail(self):
        lacks = self.world(2 * MARGIN)
        one = changed(lacks, beyond=lambda at: at.intervention == "random-labels" and at.dataset != "d00")
        assert held(one, self.asked) is False


@pytest.mark.parametrize("controls", [
    Controls(same=("a",)), Controls(positive=Pair("b", "chance")), Controls(permuted_labels=("a",)),
    Controls(null=("beta",)),
], ids=["same", "positive", "permuted", "null"])  # fmt: skip
def test_a_control_waits_for_all_its_results(controls):
    altered = controls.null or controls.permuted_labels
    interventions = ("none", "random-labels") if controls.permuted_labels else ("none", ROTATED)
    rule = {"rule": Rule.INTERACTION, "altered": ROTATED} if controls.null else {}

    def waits(at):
        last = at.dataset == "d11"
        if controls.same:
            return last and at.seed == 1
        if controls.positive:
            return last and at.learner == "dummy"
        return last and at.learner in ("alpha", "beta") and at.intervention != "none"

    part = World(
        errors=PLANTED,
        interventions=interventions if altered else ("none",),
        seeds=SEEDS if controls.same else (0,),
        pending=waits,
    )
    found = part.verdict(claim(versus(**rule), controls=controls))
    assert control(found).held is None
    assert "to come" in control(found).text
    assert found.decision.word is Word.INCONCLUSIVE
    waiting = "results are to come" if controls.null else "controls say nothing yet: "
    assert waiting in found.decision.why


ASKED = claim(
    versus(),
    Count(
        name="count", rule=Rule.UNIVERSAL, side="b", primary=False,
        conditions=(Condition(intervention="none", part="test", at_most=1.0, of_dummy=True),),
    ),
    sides={"a": Side(name="a", learners=("alpha", "second"))},
    controls=Controls(same=("a",), positive=Pair("b", "chance"), permuted_labels=("b",)),
)  # fmt: skip
MIXED = World(
    errors=lambda at: 0.5 if at.intervention == "random-labels" else PLANTED(at),
    learners=("alpha", "second", "beta", "dummy"),
    interventions=("none", "random-labels"),
    seeds=SEEDS,
    problems={f"d{i:02d}": ("binary", "multiclass", "regression")[i % 3] for i in range(12)},
    failed=lambda at: at.learner == "beta" and at.dataset == "d02" and at.seed == 0,
)


def said(trials, cells):
    """Return all that a verdict says in words, rounded as it is shown."""
    evidence = Evidence(trials_frame(trials), cells_frame(cells), own_seeds(ASKED, SEEDS))
    found = verdict(evidence, ASKED, "small", Asked(budget_trials=TRIALS))
    return line(found) + text(found)


@pytest.fixture(scope="module")
def plain():
    found = said(*MIXED.rows())
    assert "planted (small profile): SUPPORTED" in found
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(plain, seed):
    """Cells of learners keep their order, since the one declared first stands for a side's default."""
    trials, cells = map(pd.DataFrame, MIXED.rows())
    shuffled = trials.sample(frac=1, random_state=seed)
    place = {f"d{name:02d}": i for i, name in enumerate(np.random.default_rng(seed).permutation(12))}
    cells = cells.sort_values("dataset", key=lambda names: names.map(place), kind="stable")
    assert said(shuffled, cells) == plain


def test_rows_of_other_learners_and_datasets_change_nothing(plain):
    trials, cells = MIXED.rows()
    others = changed(MIXED, learners=("gamma", "beta"), datasets=("e0", "d00"))
    foreign = [row for row in others.rows()[0] if row["learner"] == "gamma" or row["dataset"] == "e0"]
    assert said([*foreign, *trials], cells) == plain


def test_rows_of_other_evidence_change_nothing(plain):
    trials, cells = MIXED.rows()
    stale = [row | {"evidence_key": f"old {row['evidence_key']}", "test_score": 9.0} for row in trials]
    assert said([*stale, *trials], cells) == plain


@pytest.mark.parametrize("factor", [1e-3, 40.0])
def test_the_scale_of_errors_of_regressions_changes_nothing(factor):
    regressions = changed(MIXED, problems={})
    scaled = changed(regressions, errors=lambda at: factor * MIXED.errors(at))
    assert said(*scaled.rows()) == said(*regressions.rows())


def past_the_budget(at):
    """Return errors that would turn the verdict, and break a control."""
    return {"alpha": 0.9, "beta": 0.01}.get(at.learner, 0.5)


def test_a_larger_budget_in_the_store_changes_nothing(plain):
    trials, cells = changed(MIXED, later=past_the_budget).rows()
    assert len(trials) > 1.5 * len(MIXED.rows()[0])
    assert said(trials, cells) == plain


def test_a_larger_budget_that_is_asked_for_would(plain):
    larger = changed(MIXED, later=past_the_budget).verdict(ASKED, Asked(budget_trials=2 * TRIALS))
    assert larger.decision.word is Word.INVALID
    assert text(larger) != plain
