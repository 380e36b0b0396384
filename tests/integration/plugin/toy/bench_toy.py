"""A learner in three lines, as an outside package brings it."""

from sklearn.linear_model import BayesianRidge

import bench

LEARNER = bench.wrap(
    "toy-bayes", regressor=BayesianRidge(), space={"alpha_1": bench.Float(low=1e-7, high=1e-1, log=True)}
)
BROKEN = bench.Choice((1, 2))
