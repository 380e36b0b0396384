"""Verdicts in worlds whose truth is planted: the right word, or the reason why there is none."""

from __future__ import annotations

import math

import pytest
from claim_worlds import (
    MARGIN,
    POINTS,
    TRIALS,
    Place,
    World,
    advantages,
    changed,
    claim,
    none,
    versus,
)

from bench.analysis.claims.evidence import Asked, State
from bench.claims import Condition, Controls, Count, Margin, Pair, Scale, Side, Unit
from bench.verdicts import Rule, Tag, Word

BETTER = World(errors=advantages({"alpha": 2 * MARGIN, "dummy": -0.5}))
SAME = World(errors=advantages({"dummy": -0.5}))
WORSE = World(errors=advantages({"alpha": -2 * MARGIN, "dummy": -0.5}))
SEEDS = tuple(range(5))
ROTATED = "rotate-features"


def word(world, asked_claim=None):
    return str(world.verdict(asked_claim or claim()).decision)


def first(*datasets):
    return lambda at: at.dataset in datasets


@pytest.mark.parametrize(("world", "said"), [
    (BETTER, "SUPPORTED"), (SAME, "REFUTED (EQUIVALENT)"), (WORSE, "REFUTED (REVERSED)"),
])  # fmt: skip
def test_what_is_planted_is_said(world, said):
    found = world.verdict(claim())
    assert str(found.decision) == said
    assert found.as_expected == (said == "SUPPORTED")


def test_the_effect_is_the_planted_ratio():
    (contrast,) = BETTER.verdict(claim()).contrasts
    assert contrast.effect.mean == pytest.approx(2 * MARGIN, abs=0.02)
    assert contrast.effect.n == 12
    found = BETTER.evidence(claim())
    (own,) = (found.of_side(side, "none", Asked(budget_trials=TRIALS)) for side in (claim().sides["a"],))
    names = [found.slots.datasets[i] for i in found.slots.dataset]
    assert own.error.tolist() == [BETTER.errors(Place(name, "alpha")) for name in names]


@pytest.mark.parametrize(("world", "rule", "said"), [
    (SAME, Rule.EQUIVALENCE, "SUPPORTED"), (BETTER, Rule.EQUIVALENCE, "REFUTED"),
    (SAME, Rule.AT_MOST, "SUPPORTED"), (WORSE, Rule.AT_MOST, "SUPPORTED"), (BETTER, Rule.AT_MOST, "REFUTED"),
])  # fmt: skip
def test_other_rules_about_a_mean(world, rule, said):
    assert word(world, claim(versus(rule))) == said


def test_points_are_differences_of_error_rates():
    multi = World(
        errors=lambda at: {"alpha": 0.2, "beta": 0.3}.get(at.learner, 0.6) + 0.002 * at.draw(at.id),
        problems=dict.fromkeys(BETTER.datasets, "multiclass"),
        default_gain=0.0,
    )
    in_points = versus(margin=POINTS)
    (contrast,) = multi.verdict(claim(in_points)).contrasts
    assert contrast.effect.mean == pytest.approx(0.1, abs=0.002)
    assert word(multi, claim(in_points)) == "SUPPORTED"
    assert word(multi, claim(versus(margin=Margin(0.12, Scale.POINTS)))).startswith("REFUTED")


def interacting(intact, altered):
    """Return a world in which alpha has these advantages with and without its axes."""
    return World(
        errors=lambda at: (
            0.3
            * math.exp(
                -(altered if at.intervention == ROTATED else intact) * (at.learner == "alpha")
                + 0.02 * at.draw(at.id)
            )
        ),
        interventions=("scaled-features", ROTATED),
    )


@pytest.mark.parametrize(("intact", "altered", "said"), [
    (3 * MARGIN, 0, "SUPPORTED"), (3 * MARGIN, 3 * MARGIN, "REFUTED (EQUIVALENT)"),
    (0, 3 * MARGIN, "REFUTED (REVERSED)"),
])  # fmt: skip
def test_an_interaction_is_what_the_intervention_takes_away(intact, altered, said):
    asked = claim(versus(Rule.INTERACTION, intact="scaled-features", altered=ROTATED))
    assert word(interacting(intact, altered), asked) == said


def test_of_two_pairs_the_mean_is_judged():
    world = World(
        errors=advantages({"alpha": 3 * MARGIN, "gamma": -MARGIN}, sd=0.01),
        learners=("alpha", "beta", "gamma", "delta"),
    )
    sides = {"c": Side(name="c", learners=("gamma",)), "d": Side(name="d", learners=("delta",))}
    both = claim(versus(pairs=(Pair("a", "b"), Pair("c", "d"))), sides=sides)
    (contrast,) = world.verdict(both).contrasts
    assert contrast.effect.mean == pytest.approx(MARGIN, abs=0.01)
    lacking = changed(world, beyond=lambda at: at.learner == "delta" and at.dataset == "d00")
    (contrast,) = lacking.verdict(both).contrasts
    assert contrast.effect.n == 11, "a dataset counts where all pairs have a value"


def test_slopes_are_compared_by_how_fast_errors_fall():
    caps = (100.0, 200.0, 400.0)
    steep = {"alpha": 0.5, "beta": 0.3, "dummy": 0.0}
    world = World(
        errors=lambda at: at.cap ** -steep[at.learner] * math.exp(0.002 * at.draw(at.id)), caps=caps
    )
    asked = claim(versus(Rule.SHAPE, margin=Margin(0.1, Scale.SLOPE)))
    (contrast,) = world.verdict(asked).contrasts
    assert contrast.effect.mean == pytest.approx(0.2, abs=0.005)
    assert word(world, asked) == "SUPPORTED"
    assert word(changed(world, errors=advantages({})), asked) == "REFUTED (EQUIVALENT)"


def test_seeds_are_the_sample_on_each_dataset_and_datasets_replicate():
    asked = claim(unit=Unit.SEED, fewest=5)
    world = changed(BETTER, datasets=("d0", "d1", "d2"), seeds=SEEDS)
    found = world.verdict(asked)
    assert found.decision.word is Word.SUPPORTED
    assert set(found.contrasts[0].ruling.by_dataset) == {"d0", "d1", "d2"}
    assert word(changed(world, datasets=("d0",)), asked) == "INCONCLUSIVE"
    assert word(changed(world, seeds=SEEDS[:4]), asked) == "INCONCLUSIVE"

    def but_for_one(at):
        return (SAME if at.dataset == "d1" else BETTER).errors(at)

    differing = changed(world, errors=but_for_one).verdict(asked)
    assert differing.decision.word is Word.INCONCLUSIVE
    assert "datasets differ" in differing.decision.why


def test_errors_are_averaged_over_seeds_and_folds_before_their_logs_are_taken():
    errors = {("alpha", 0): 0.1, ("alpha", 1): 0.3, ("beta", 0): 0.4, ("beta", 1): 0.4}

    def scale(at):
        """One factor for all that is compared, of each dataset; an effect without ties."""
        return math.exp(0.001 * at.draw(at.dataset, at.learner))

    for how in ("seeds", "folds"):
        world = World(
            errors=lambda at: errors.get((at.learner, at.seed + at.fold), 1.0) * scale(at),
            seeds=(0, 1) if how == "seeds" else (0,),
            folds=2 if how == "folds" else 1,
        )
        (contrast,) = world.verdict(claim()).contrasts
        assert contrast.effect.mean == pytest.approx(math.log(0.4 / 0.2), abs=0.002)


class TestCounts:
    """D4: all learners, or none, on each dataset and seed."""

    world = World(
        errors=lambda at: 0.5 if at.learner == "dummy" else 0.1,
        datasets=("d0", "d1", "d2"),
        seeds=SEEDS,
        default_gain=0.0,
        problems=dict.fromkeys(("d0", "d1", "d2"), "multiclass"),
    )

    def claim(self, rule, *, at_most=0.5, learners=("alpha", "beta"), part="test"):
        count = Count(
            name="count",
            rule=rule,
            side="many",
            conditions=(Condition(intervention="none", part=part, at_most=at_most, of_dummy=part == "test"),),
        )
        return claim(count, unit=Unit.SEED, fewest=5, sides={"many": Side(name="many", learners=learners)})

    def erring(self, *datasets, seeds=SEEDS, by=0.4):
        """Return errors that break the bound on these datasets and seeds."""

        def errors(at):
            wrong = at.learner == "beta" and at.dataset in datasets and at.seed in seeds
            return by if wrong else self.world.errors(at)

        return changed(self.world, errors=errors)

    def test_universal(self):
        asked = self.claim(Rule.UNIVERSAL)
        assert word(self.world, asked) == "SUPPORTED"
        assert word(self.erring("d0", "d1"), asked) == "REFUTED"
        assert word(self.erring("d0", "d1", seeds=SEEDS[:4]), asked) == "REFUTED"
        assert word(self.erring("d0", "d1", seeds=SEEDS[:3]), asked) == "INCONCLUSIVE"
        assert word(self.erring("d0"), asked) == "INCONCLUSIVE"

    def test_impossible(self):
        asked = self.claim(Rule.IMPOSSIBLE, at_most=0.1)
        assert word(self.world, asked) == "SUPPORTED"
        assert word(self.erring("d0", "d2", by=0.04), asked) == "REFUTED"
        assert word(self.erring("d0", by=0.04), asked) == "INCONCLUSIVE"

    def test_the_learner_that_refutes_is_named(self):
        why = self.erring("d0", "d1").verdict(self.claim(Rule.UNIVERSAL)).decision.why
        assert "beta: " in why
        assert "alpha" not in why

    def test_training_errors_count_where_they_are_asked_for(self):
        asked = self.claim(Rule.UNIVERSAL, at_most=0.01, part="train")
        assert word(self.world, asked) == "SUPPORTED"
        assert word(changed(self.world, train=lambda at: 0.02 * (at.learner == "beta")), asked) == "REFUTED"

    def test_the_default_configuration_is_looked_at(self):
        asked = self.claim(Rule.UNIVERSAL)
        assert word(changed(self.world, default_gain=math.log(4.0)), asked) == "REFUTED"

    def test_where_a_cell_failed_nothing_holds(self):
        fails = changed(self.world, failed=lambda at: at.learner == "beta")
        for rule in (Rule.UNIVERSAL, Rule.IMPOSSIBLE):
            found = fails.verdict(self.claim(rule, at_most=0.1))
            assert found.decision.word is Word.INCONCLUSIVE
        assert "fails on more than a tenth" in fails.verdict(self.claim(Rule.UNIVERSAL)).decision.why

    def test_all_conditions_hold_on_what_all_have_run_on(self):
        both = (
            Condition(intervention="none", part="test", at_most=0.5, of_dummy=True),
            Condition(intervention="random-labels", part="train", at_most=0.0),
        )
        count = Count(name="both", rule=Rule.UNIVERSAL, side="b", conditions=both)
        asked = claim(count, unit=Unit.SEED, fewest=5)
        world = changed(self.world, interventions=("none", "random-labels"))
        assert word(world, asked) == "SUPPORTED"
        under = [("d0", "none"), ("d1", "random-labels")]
        half = changed(
            world, pending=lambda at: at.learner == "beta" and (at.dataset, at.intervention) in under
        )
        found = half.verdict(asked)
        assert found.decision.word is Word.INCONCLUSIVE
        assert "10 results are to come" in found.decision.why

    def test_what_is_measured_by_the_dummy_waits_for_it(self):
        waiting = changed(self.world, pending=lambda at: at.learner == "dummy" and at.dataset == "d2")
        found = waiting.verdict(self.claim(Rule.IMPOSSIBLE, at_most=0.1))
        assert found.decision.word is Word.INCONCLUSIVE
        assert "5 results are to come" in found.decision.why


def test_fewer_datasets_than_the_fewest_decide_nothing():
    few = changed(BETTER, datasets=BETTER.datasets[:7])
    found = few.verdict(claim())
    assert found.decision.word is Word.INCONCLUSIVE
    assert "7 datasets, 8 are the least" in found.decision.why
    assert found.decision.needs == "1 more datasets"
    assert word(few, claim(fewest=7)) == "SUPPORTED"


def test_results_that_are_to_come_are_counted_and_nothing_is_decided_before():
    part = changed(BETTER, pending=lambda at: at.learner == "alpha" and at.dataset in ("d00", "d01"))
    found = part.verdict(claim())
    assert found.decision.word is Word.INCONCLUSIVE
    assert found.decision.why == "2 results are to come"
    assert found.decision.needs == "`bench claims run planted`"
    assert found.variations == ()


def test_without_any_evidence_it_is_not_run():
    waiting = changed(BETTER, pending=lambda _: True, seeds=(0, 1))
    found = waiting.verdict(claim(controls=Controls(same=("a",))))
    assert found.decision.word is Word.NOT_RUN
    assert found.decision.why == "12 results are to come"
    assert found.controls == ()
    for without in (changed(BETTER, datasets=()), changed(BETTER, learners=("alpha", "dummy"))):
        assert without.verdict(claim()).decision.word is Word.NOT_RUN


def test_a_side_that_fails_on_more_than_a_tenth_gets_no_verdict():
    fails = changed(BETTER, failed=lambda at: at.learner == "beta" and at.dataset in ("d00", "d01"))
    found = fails.verdict(claim())
    assert found.decision.word is Word.INCONCLUSIVE
    assert "b (on 2 of 12 tasks)" in found.decision.why
    once = changed(BETTER, failed=lambda at: at.learner == "beta" and at.dataset == "d00")
    assert word(once) == "SUPPORTED"
    assert once.verdict(claim()).contrasts[0].found.n_missing == 1


def test_missing_errors_decide_nothing_by_what_stands_in_for_them():
    """The dummy in alpha's place on one dataset of twelve turns the mean; left out, nothing is turned."""
    world = World(
        errors=advantages({"alpha": 1.2 * MARGIN, "dummy": -1.0, "random-forest": 1.2 * MARGIN}, sd=0.01),
        learners=("alpha", "beta", "dummy", "random-forest"),
        failed=lambda at: at.learner == "alpha" and at.dataset == "d03",
    )
    found = world.verdict(claim())
    assert found.decision.word is Word.INCONCLUSIVE
    assert found.decision.why == (
        "what stands in for missing errors decides: "
        "fallback: SUPPORTED, dummy: INCONCLUSIVE, complete-pairs: SUPPORTED"
    )


@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression"])
def test_what_a_learner_lacks_has_no_part_in_how_errors_are_floored(problem):
    """A side's first learner does not apply, or failed: how many rows were tested is known from another."""
    problems = dict.fromkeys(BETTER.datasets, problem)
    learners = ("past", "alpha", "beta", "dummy")
    sides = {"a": Side(name="a", learners=("past", "alpha"))}
    plain = changed(BETTER, problems=problems, learners=learners, beyond=lambda at: at.learner == "past")
    there = changed(BETTER, problems=problems).verdict(claim())
    found = plain.verdict(claim(sides=sides))
    assert found.contrasts[0].effect == there.contrasts[0].effect
    failing = changed(plain, beyond=none, failed=lambda at: at.learner == "past")
    assert failing.verdict(claim(sides=sides)).contrasts[0].effect.mean == pytest.approx(
        there.contrasts[0].effect.mean, abs=0.03
    )
    both = changed(
        BETTER,
        problems=dict.fromkeys((f"d{i:02d}" for i in range(15)), problem),
        datasets=tuple(f"d{i:02d}" for i in range(15)),  # fewer would make a slow matter of p
        failed=lambda at: at.learner in ("alpha", "beta") and at.dataset == "d00",
    )
    assert word(both) == "SUPPORTED"


def test_problem_types_that_contradict_each_other_decide_nothing():
    binary = BETTER.datasets[:9]

    def errors(at):
        return (BETTER if at.dataset in binary else SAME if at.learner != "alpha" else WORSE).errors(at)

    world = changed(
        BETTER,
        errors=lambda at: errors(at) ** (1.5 if at.dataset in binary and at.learner == "alpha" else 1),
        problems=dict.fromkeys(binary, "binary"),
    )
    found = world.verdict(claim())
    assert found.decision.word is Word.INCONCLUSIVE
    assert "problem types contradict each other: binary +" in found.decision.why
    assert word(changed(world, datasets=BETTER.datasets[:11])) == "SUPPORTED", "two datasets are no type"


class TestBound:
    """Searches that still gain in the last half of their budget."""

    def test_results_that_carry_the_verdict_leave_nothing_decided(self):
        def errors(at):
            gain = (2 if at.dataset < "d05" else 0.5) * MARGIN * (at.learner == "alpha")
            return math.exp(-gain) * advantages({}, sd=0.005)(at)

        late = changed(SAME, errors=errors, late=lambda at: at.learner == "alpha" and at.dataset < "d05")
        asked = claim(fewest=7)
        assert word(changed(late, late=none), asked) == "SUPPORTED"
        found = late.verdict(asked)
        assert found.decision.word is Word.INCONCLUSIVE
        assert "5 of 12 values rest on searches that still gained" in found.decision.why
        assert "with them SUPPORTED, without them REFUTED" in found.decision.why

    def test_results_that_do_not_carry_it_leave_it(self):
        late = changed(BETTER, late=first("d00", "d01", "d02"))
        found = late.verdict(claim())
        assert found.decision.word is Word.SUPPORTED
        assert int(found.contrasts[0].found.table["bound"].sum()) == 3

    def test_defaults_are_never_bound(self):
        late = changed(BETTER, late=lambda _: True)
        sides = {
            "a": Side(name="a", learners=("alpha",), show="default"),
            "b": Side(name="b", learners=("beta",), show="default"),
        }
        assert word(late) == "INCONCLUSIVE"
        assert word(late, claim(sides=sides)) == "SUPPORTED"


def test_a_side_shares_one_budget_among_its_learners():
    """Of two learners each shows half of the trials: what came later is not seen."""
    world = changed(
        SAME,
        learners=("alpha", "second", "beta", "dummy"),
        default_gain=0.5,
        late=lambda at: at.learner == "alpha",
    )
    alone, pair = claim(), claim(sides={"a": Side(name="a", learners=("alpha", "second"))})
    one = world.evidence(alone).of_side(alone.sides["a"], "none", Asked(budget_trials=TRIALS))
    two = world.evidence(pair).of_side(pair.sides["a"], "none", Asked(budget_trials=TRIALS))
    assert one.bound.all()
    assert not two.bound.any()
    assert set(two.state) == {State.SCORED}


class TestSeveralContrasts:
    """All primary contrasts must be supported; one refutes; secondary ones decide nothing."""

    weak = versus(name="equivalent", rule=Rule.EQUIVALENCE)

    def test_one_primary_contrast_refutes(self):
        found = BETTER.verdict(claim(versus(), self.weak))
        assert found.decision.word is Word.REFUTED
        assert found.decision.why.startswith("equivalent: ")

    def test_secondary_ones_decide_nothing(self):
        assert (
            word(BETTER, claim(versus(), versus(name="e", rule=Rule.EQUIVALENCE, primary=False)))
            == "SUPPORTED"
        )

    def test_p_is_adjusted_for_all_of_the_claim(self):
        found = BETTER.verdict(claim(versus(), versus(name="again"), versus(name="third", primary=False)))
        factors = (2, 2, 1)  # of two primary ones, and of one that the verdict does not rest on
        expected = [times * c.p for times, c in zip(factors, found.contrasts, strict=True)]
        assert [c.p_adjusted for c in found.contrasts] == pytest.approx(expected)


class TestVariations:
    """What would flip the word is marked."""

    def flips(self, world, *contrasts, **changes):
        found = world.verdict(claim(*contrasts, **changes))
        decided = found.decision.word in (Word.SUPPORTED, Word.REFUTED)
        assert found.marked == (decided and any(each.flips for each in found.variations))
        return {each.name: each.word for each in found.variations if each.flips}

    def test_a_strong_effect_is_flipped_by_nothing(self):
        found = changed(BETTER, errors=advantages({"alpha": 4 * MARGIN})).verdict(claim())
        assert not found.marked
        names = {each.name for each in found.variations}
        assert {"half the margin", "twice the margin", "another metric", "defaults"} < names
        assert "test rows without twins" in names
        assert sum(name.startswith("without d") for name in names) == 2

    def test_the_margin(self):
        weak = changed(BETTER, errors=advantages({"alpha": 1.3 * MARGIN}))
        assert set(self.flips(weak)) == {"twice the margin"}
        weaker = changed(BETTER, errors=advantages({"alpha": 0.7 * MARGIN}))
        assert self.flips(weaker)["half the margin"] is Word.SUPPORTED

    def test_the_dataset_that_weighs_most(self):
        def errors(at):
            factor = math.exp(-MARGIN) if at.learner == "alpha" and at.dataset == "d07" else 1.0
            return factor * advantages({"alpha": 0.95 * MARGIN}, sd=0.001)(at)

        assert "without d07" in self.flips(changed(BETTER, errors=errors))

    def test_another_metric(self):
        assert self.flips(changed(BETTER, other=SAME.errors)) == {"another metric": Word.REFUTED}

    def test_test_rows_without_twins(self):
        assert self.flips(changed(BETTER, apart=SAME.errors)) == {"test rows without twins": Word.REFUTED}

    def test_defaults(self):
        def errors(at):
            return BETTER.errors(at) * (1.0 if at.learner == "alpha" else math.exp(0))

        defaults = changed(BETTER, errors=errors, default_gain=0.0)
        assert "defaults" not in self.flips(defaults)
        shown = {
            "a": Side(name="a", learners=("alpha",), show="default"),
            "b": Side(name="b", learners=("beta",), show="default"),
            "chance": Side(name="chance", learners=("dummy",), show="default"),
        }
        names = {each.name for each in BETTER.verdict(claim(sides=shown)).variations}
        assert "defaults" not in names, "all of it are defaults already"

    def test_without_a_learner(self):
        world = World(
            errors=advantages({"alpha": 3 * MARGIN, "second": 0.0}),
            learners=("alpha", "second", "beta", "dummy"),  # of two that validate alike the first is taken
        )
        sides = {"a": Side(name="a", learners=("alpha", "second"))}
        found = world.verdict(claim(sides=sides))
        assert {"without alpha", "without second"} <= {each.name for each in found.variations}
        assert self.flips(world, sides=sides)["without alpha"] is Word.REFUTED

    def test_counts_alone_have_none(self):
        count = Count(
            name="c", rule=Rule.UNIVERSAL, side="b",
            conditions=(Condition(intervention="none", part="test", at_most=1.0),),
        )  # fmt: skip
        found = changed(BETTER, seeds=(0, 1, 2, 3, 4)).verdict(claim(count))
        assert found.decision.word is Word.SUPPORTED
        assert found.variations == ()


def test_refuted_ways_are_told_apart():
    assert BETTER.verdict(claim(versus(pairs=(Pair("b", "a"),)))).decision.tag is Tag.REVERSED
