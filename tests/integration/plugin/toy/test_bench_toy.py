"""It keeps the contract."""

from bench.testing import LearnerContract
from bench_toy import LEARNER


class TestToy(LearnerContract):
    learner = LEARNER
