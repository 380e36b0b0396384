"""It keeps the contract."""

from bench_toy import LEARNER

from bench.testing import LearnerContract


class TestToy(LearnerContract):
    learner = LEARNER
