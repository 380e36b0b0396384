"""What --fail-on takes, and what it says to anything else."""

from __future__ import annotations

import math

import pytest

from bench.errors import ConfigError
from bench.metrics import METRICS
from bench.thresholds import DEFAULT, OWN_UNITS, Threshold, parse_threshold, parse_thresholds


def test_what_is_written_is_what_is_meant():
    assert parse_threshold("error:+2%") == Threshold("error", 0.02)
    assert parse_threshold(" auc:-0.5% ") == Threshold("auc", -0.005)
    assert parse_threshold("fit_s:+20%") == Threshold("fit_s", 0.2)
    assert parse_threshold("log_density:-1%") == Threshold("log_density", -0.01)


@pytest.mark.parametrize("text", [DEFAULT, "auc:-0.5%", "fit_s:+20%", "error_rate:+0.25%", "error:+150%"])
def test_a_threshold_is_shown_as_it_is_written(text):
    assert str(parse_threshold(text)) == text


def test_bounds_are_on_the_scale_of_the_changes():
    assert parse_threshold("error:+2%").bound == pytest.approx(math.log(1.02))
    assert parse_threshold("fit_s:+100%").bound == pytest.approx(math.log(2))
    assert parse_threshold("auc:-0.5%").bound == 0.005


@pytest.mark.parametrize("name", [name for name in METRICS if name not in OWN_UNITS])
def test_every_metric_that_two_tables_share_is_taken_in_the_direction_of_its_loss_alone(name):
    loss, gain = ("-", "+") if METRICS[name].higher_is_better else ("+", "-")
    assert parse_threshold(f"{name}:{loss}1%").quantity == name
    with pytest.raises(ConfigError, match=f"write {name}:[{loss}]1%"):
        parse_threshold(f"{name}:{gain}1%")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, "write QUANTITY:CHANGE%") for text in ("", "error", "error:2%", "error:+2", "error:+%")),
        *((text, "write QUANTITY:CHANGE%") for text in ("error:+2e1%", "error:++2%", "error:+2%;auc:-1%")),
        ("error:+\N{ARABIC-INDIC DIGIT TWO}%", "write QUANTITY:CHANGE%"),
        ("roc_auc:-1%", "roc_auc is none of error, fit_s, auc"),
        ("error:+0%", "above 0"),
        (f"error:+{'9' * 400}%", "above 0"),
        ("error:-2%", "a loss is where error grows"),
        ("fit_s:-20%", "a loss is where fit_s grows"),
        *((f"{name}:+1%", "in the units of each target") for name in OWN_UNITS),
    ],
)
def test_anything_else_is_refused_in_a_line(text, why):
    with pytest.raises(ConfigError, match="is no threshold") as error:
        parse_threshold(text)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_one_quantity_has_one_threshold():
    assert len(parse_thresholds(("error:+2%", "auc:-1%"))) == 2
    with pytest.raises(ConfigError, match="error is given twice"):
        parse_thresholds(("error:+2%", "auc:-1%", "error:+3%"))
