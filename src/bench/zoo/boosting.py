"""Family `boosted-others`: boosting of models that are no trees."""

from __future__ import annotations

from bench.zoo.declaration import ZooLearner

LEARNERS: tuple[ZooLearner, ...] = ()
