"""What makes a change a loss: a quantity, a direction, and how far it may go."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bench.errors import ConfigError
from bench.metrics import METRICS

ERROR = "error"
"""The test error by each problem type's primary score; its change is relative."""
FIT_S = "fit_s"
"""Billed seconds of the same trials; their change is relative."""
RELATIVE = (ERROR, FIT_S)
OWN_UNITS = ("rmse", "mae", "crps")
"""Metrics in the units of each table's target: no one number of points fits two tables."""
DEFAULT = "error:+2%"
_FORM = re.compile(r"(?P<quantity>\w+):(?P<sign>[+-])(?P<amount>\d+(\.\d+)?)%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A change of a quantity that is no longer accepted: `error:+2%`, `auc:-0.5%`, `fit_s:+20%`."""

    quantity: str
    """`error`, `fit_s`, or the name of a metric."""
    change: float
    """Signed, and never 0: 0.02 is +2 % of the error or the seconds, or 2 points of a metric."""

    @property
    def relative(self) -> bool:
        """Whether the change is per cent of what there was, and not points of a metric."""
        return self.quantity in RELATIVE

    @property
    def bound(self) -> float:
        """The size of the change, above 0: the logarithm of the ratio where it is relative."""
        return math.log1p(self.change) if self.relative else abs(self.change)

    def __str__(self) -> str:
        """As it is written on the command line."""
        return f"{self.quantity}:{100 * self.change:+.10g}%"


def parse_threshold(text: str) -> Threshold:
    """Return what `error:+2%` says; raise ConfigError for anything that is no threshold."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise _refused(text, "write QUANTITY:CHANGE%, for example error:+2%, auc:-0.5% or fit_s:+20%")
    quantity, sign, amount = found["quantity"], found["sign"], float(found["amount"]) / 100
    if quantity not in (*RELATIVE, *METRICS):
        raise _refused(text, f"{quantity} is none of {', '.join((*RELATIVE, *METRICS))}")
    if quantity in OWN_UNITS:
        raise _refused(text, f"{quantity} is in the units of each target; take error, nrmse or r2")
    if not 0 < amount < math.inf:
        raise _refused(text, "give a change above 0: no two runs prove that nothing at all has changed")
    loss = "-" if quantity in METRICS and METRICS[quantity].higher_is_better else "+"
    if sign != loss:
        way = "falls" if loss == "-" else "grows"
        raise _refused(text, f"a loss is where {quantity} {way}; write {quantity}:{loss}{found['amount']}%")
    return Threshold(quantity, amount if sign == "+" else -amount)


def parse_thresholds(texts: tuple[str, ...]) -> tuple[Threshold, ...]:
    """Return several thresholds; raise ConfigError where one is none, or two are of one quantity."""
    found = tuple(map(parse_threshold, texts))
    quantities = [each.quantity for each in found]
    twice = next((name for name in quantities if quantities.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"fail-on: {twice} is given twice; give one threshold for each quantity")
    return found


def _refused(text: str, why: str) -> ConfigError:
    return ConfigError(f'fail-on: "{text}" is no threshold: {why}')
