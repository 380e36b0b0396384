"""Family `boosted-trees`: three libraries, each with early stopping on the validation rows."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Int, Space
from bench.zoo.declaration import COMMON_MODULES, ZooLearner

XGBOOST_SPACE = Space(
    # The library's defaults but for the learning rate: 0.3 is meant for its 100 rounds, and with early
    # stopping a practitioner takes 0.1 and lets the validation rows say when to end.
    {
        "learning_rate": 0.1,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "subsample": 1.0,
        "colsample_bytree": 1.0,
        "colsample_bylevel": 1.0,
        "gamma": 0.0,
        "reg_lambda": 1.0,
        "reg_alpha": 0.0,
    },
    # Grinsztajn et al. (2022), with the learning rate kept where 1000 rounds can end.
    {
        "learning_rate": Float(low=0.01, high=0.3, log=True),
        "max_depth": Int(low=1, high=11),
        "min_child_weight": Float(low=1.0, high=100.0, log=True),
        "subsample": Float(low=0.5, high=1.0),
        "colsample_bytree": Float(low=0.5, high=1.0),
        "colsample_bylevel": Float(low=0.5, high=1.0),
        "gamma": Float(low=1e-8, high=7.0, log=True),
        "reg_lambda": Float(low=1.0, high=4.0, log=True),
        "reg_alpha": Float(low=1e-8, high=100.0, log=True),
    },
)

LIGHTGBM_SPACE = Space(
    # The library's defaults.
    {
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_data_in_leaf": 20,
        "feature_fraction": 1.0,
        "bagging_fraction": 1.0,
        "bagging_freq": 0,
        "extra_trees": False,
        "lambda_l1": 0.0,
        "lambda_l2": 0.0,
        "cat_smooth": 10.0,
        "cat_l2": 10.0,
    },
    # TabArena (Erickson et al., 2025), with higher learning rates for short budgets and without its limits
    # on the grouping of categories.
    {
        "learning_rate": Float(low=0.01, high=0.3, log=True),
        "num_leaves": Int(low=2, high=200, log=True),
        "min_data_in_leaf": Int(low=1, high=64, log=True),
        "feature_fraction": Float(low=0.4, high=1.0),
        "bagging_fraction": Float(low=0.7, high=1.0),
        "bagging_freq": Choice((1,)),
        "extra_trees": Choice((False, True)),
        "lambda_l1": Float(low=1e-4, high=1.0),
        "lambda_l2": Float(low=1e-4, high=2.0),
        "cat_smooth": Float(low=1e-3, high=100.0, log=True),
        "cat_l2": Float(low=5e-3, high=2.0, log=True),
    },
)

HIST_GB_SPACE = Space(
    # The library's defaults.
    {
        "learning_rate": 0.1,
        "max_leaf_nodes": 31,
        "min_samples_leaf": 20,
        "l2_regularization": 0.0,
        "max_features": 1.0,
    },
    # LightGBM's ranges for what is the same there, so that the two differ by their code alone.
    {
        "learning_rate": Float(low=0.01, high=0.3, log=True),
        "max_leaf_nodes": Int(low=2, high=200, log=True),
        "min_samples_leaf": Int(low=1, high=64, log=True),
        "l2_regularization": Float(low=1e-4, high=2.0),
        "max_features": Float(low=0.4, high=1.0),
    },
)


class XGBoost(ZooLearner):
    """XGBoost (Chen and Guestrin, 2016): histograms, native categories; stops between rounds."""

    name = "xgboost"
    version = 2
    family = "boosted-trees"
    title = "XGBoost"
    packages = ("xgboost", "xgboost-cpu")
    modules = (*COMMON_MODULES, "bench.zoo.estimators.xgboost")
    polls_deadline = True
    devices = ("cpu", "cuda")

    def space(self, problem: ProblemType) -> Space:
        """Return the search space, the same for every problem."""
        return XGBOOST_SPACE

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.xgboost import XGBoostModel
        from bench.zoo.preprocessing import TreeEncoder

        params = {**config, "seed": context.seed, "nthread": context.threads, "device": context.device}
        classification = context.problem.is_classification
        return tabular(
            TreeEncoder(single=True),
            XGBoostModel(params, classification=classification),
            classification=classification,
        )


class LightGBM(ZooLearner):
    """LightGBM (Ke et al., 2017): leaf-wise, native categories, deterministic; stops between rounds."""

    name = "lightgbm"
    version = 2
    family = "boosted-trees"
    title = "LightGBM"
    packages = ("lightgbm",)
    modules = (*COMMON_MODULES, "bench.zoo.estimators.lightgbm")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the search space, the same for every problem."""
        return LIGHTGBM_SPACE

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.lightgbm import LightGBMModel
        from bench.zoo.preprocessing import TreeEncoder

        params = {**config, "seed": context.seed, "num_threads": context.threads}
        classification = context.problem.is_classification
        return tabular(
            TreeEncoder(single=True),
            LightGBMModel(params, classification=classification),
            classification=classification,
        )


class HistGradientBoosting(ZooLearner):
    """scikit-learn's histogram gradient boosting, after LightGBM (Ke et al., 2017); stops between rounds.

    Native categories up to 255 levels; one with more is split as an ordinal number.
    """

    name = "hist-gb"
    family = "boosted-trees"
    title = "Histogram gradient boosting"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.histogram")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the search space, the same for every problem."""
        return HIST_GB_SPACE

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.histogram import HistogramModel
        from bench.zoo.preprocessing import TreeEncoder

        classification = context.problem.is_classification
        model = HistogramModel(dict(config), classification=classification, seed=context.seed)
        return tabular(TreeEncoder(single=True), model, classification=classification)


LEARNERS = (XGBoost(), LightGBM(), HistGradientBoosting())
