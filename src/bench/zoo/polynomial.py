"""Family `polynomial`: ridge regression on products of features."""

from __future__ import annotations

from bench.zoo.declaration import ZooLearner

LEARNERS: tuple[ZooLearner, ...] = ()
