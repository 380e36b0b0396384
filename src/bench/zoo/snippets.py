"""A configuration as Python that needs no bench where the model is a library's, and else asks bench for it.

Each snippet defines `fit(X, y)`, or `fit(X, y, X_valid, y_valid)` where rows held out say when to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from bench.arms import STOPS_EARLY, base_of
from bench.augmentations import NONE, PARAMETER
from bench.datasets import ImageShape, ProblemType
from bench.learners import Learner
from bench.spaces import Config, Value
from bench.zoo.scaling import model_params
from bench.zoo.snippet_texts import PIPELINE, PIPELINE_SCALED, Asked, Model, boosted, dense, own, trees
from bench.zoo.svm import CACHE_MB, POLYNOMIAL_ITERATIONS

Writer: TypeAlias = Callable[[Asked], Model]

LIGHTGBM_NAMES = {
    "min_data_in_leaf": "min_child_samples",
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "lambda_l1": "reg_alpha",
    "lambda_l2": "reg_lambda",
}
"""What LightGBM's scikit-learn classes call its parameters."""


def code(  # noqa: PLR0913 - by keyword
    learner: Learner,
    config: Config,
    problem: ProblemType,
    *,
    seed: int = 0,
    note: str = "",
    called: str | None = None,
    image: ImageShape | None = None,
) -> str:
    """Return a module's text whose `fit` gives the model that the learner gives with this configuration.

    Args:
        learner: whose configuration it is.
        config: all of it.
        problem: what is predicted.
        seed: of everything random in it.
        note: where the configuration is from, and the versions it was found with; becomes a comment.
        called: where the learner is found, if not by its name: its import path. Of an arm it is the base's.
        image: what the rows are, where they are images.
    """
    learner = base_of(learner)
    how = config.get(PARAMETER, NONE)
    if how != NONE and not _augments(learner, how):
        note += f"\nIts fit rows were augmented ({how}); this code fits on the rows that it is given."
    kept = {name: value for name, value in config.items() if name != PARAMETER or _augments(learner, how)}
    stops_early = kept.pop(STOPS_EARLY, True)
    found = called or learner.name
    asked = Asked(
        learner=found if stops_early else f"{found}{{{STOPS_EARLY}=false}}",
        config=kept,
        problem=problem,
        seed=seed,
        image=image if getattr(learner, "needs_images", False) else None,
    )
    comment = "".join(f"# {line}".rstrip() + "\n" for line in note.splitlines())
    return comment + (_body(learner.name, asked) if stops_early else own(asked))


def _augments(learner: Learner, how: Value) -> bool:
    """Whether a learner of images is told how to augment them."""
    return how != NONE and getattr(learner, "augments", False)


def _body(name: str, asked: Asked) -> str:
    if name in DENSE:
        return dense(DENSE[name](asked), asked)
    if name in TREES:
        return trees(TREES[name](asked), asked)
    if name in BOOSTED:
        return BOOSTED[name](asked)
    return own(asked)


def _linear(asked: Asked) -> Model:
    if not asked.classes:
        return Model(module="sklearn.linear_model", name="Ridge", params=model_params(asked.config))
    params = {**model_params(asked.config), "max_iter": 1000}
    return Model(module="sklearn.linear_model", name="LogisticRegression", params=params)


def _elastic_net(asked: Asked) -> Model:
    """For classes the library's only solver of the same problem, which is slow: bench has its own."""
    if not asked.classes:
        params = {**model_params(asked.config), "max_iter": 10_000}
        return Model(module="sklearn.linear_model", name="ElasticNet", params=params)
    solver: dict[str, Value] = {"solver": "saga", "tol": 1e-6, "max_iter": 10_000, "random_state": asked.seed}
    params = {**model_params(asked.config), **solver}
    return Model(module="sklearn.linear_model", name="LogisticRegression", params=params)


def _nearest(asked: Asked) -> Model:
    name = "KNeighborsClassifier" if asked.classes else "KNeighborsRegressor"
    return Model(module="sklearn.neighbors", name=name, params=model_params(asked.config))


def _svm(kernel: str, **fixed: Value) -> Writer:
    def write(asked: Asked) -> Model:
        params = {"kernel": kernel, "cache_size": CACHE_MB, **fixed, **model_params(asked.config)}
        return Model(module="sklearn.svm", name="SVC" if asked.classes else "SVR", params=params)

    return write


def _tree(asked: Asked) -> Model:
    name = "DecisionTreeClassifier" if asked.classes else "DecisionTreeRegressor"
    params = {**asked.config, "random_state": asked.seed}
    return Model(module="sklearn.tree", name=name, params=params)


def _forest(kind: str) -> Writer:
    def write(asked: Asked) -> Model:
        name = kind + ("Classifier" if asked.classes else "Regressor")
        params = {**asked.config, "random_state": asked.seed}
        return Model(module="sklearn.ensemble", name=name, params=params)

    return write


def _xgboost(asked: Asked) -> str:
    fixed: dict[str, Value] = {
        "n_estimators": 1000,
        "early_stopping_rounds": 50,
        "tree_method": "hist",
        "enable_categorical": True,
        "random_state": asked.seed,
        "n_jobs": 1,
    }
    name = "XGBClassifier" if asked.classes else "XGBRegressor"
    model = Model(module="xgboost", name=name, params={**asked.config, **fixed})
    kinds = 'model.set_params(feature_types=["q"] * n_numbers + ["c"] * n_codes)'
    fit = f"    {kinds}\n" + _pipeline_fit(asked, "X, y, model__eval_set=[held_out], model__verbose=False")
    return boosted(model, fit, [], asked)


def _lightgbm(asked: Asked) -> str:
    fixed: dict[str, Value] = {
        "n_estimators": 1000,
        "deterministic": True,
        "force_row_wise": True,
        "random_state": asked.seed,
        "n_jobs": 1,
        "verbosity": -1,
    }
    params = {LIGHTGBM_NAMES.get(name, name): value for name, value in asked.config.items()}
    name = "LGBMClassifier" if asked.classes else "LGBMRegressor"
    model = Model(module="lightgbm", name=name, params={**params, **fixed})
    options = (
        "\n        X,\n        y,\n        model__eval_X=held_out[0],"
        "\n        model__eval_y=held_out[1],"
        "\n        model__categorical_feature=list(range(n_numbers, n_numbers + n_codes)),"
        "\n        model__callbacks=[early_stopping(50, verbose=False)],\n    "
    )
    return boosted(model, _pipeline_fit(asked, options), ["from lightgbm import early_stopping"], asked)


def _pipeline_fit(asked: Asked, options: str) -> str:
    pipeline = PIPELINE if asked.classes else PIPELINE_SCALED
    return f"{pipeline}    return pipeline.fit({options})\n"


def _hist_gb(asked: Asked) -> str:
    """Once to find the best number of rounds, and once more with that: the library keeps the last one."""
    fixed: dict[str, Value] = {
        "max_iter": 1000,
        "early_stopping": True,
        "n_iter_no_change": 50,
        "tol": 0.0,
        "validation_fraction": None,
        "random_state": asked.seed,
    }
    name = f"HistGradientBoosting{'Classifier' if asked.classes else 'Regressor'}"
    model = Model(module="sklearn.ensemble", name=name, params={**asked.config, **fixed})
    target = "y" if asked.classes else "(y - center) / scale"
    fit = (
        "    few = [X[name].nunique() <= 255 for name in CATEGORIES(X)]\n"
        "    model.set_params(categorical_features=[n_numbers + i for i in range(n_codes) if few[i]])\n"
        f"    model.fit(encoder.transform(X), {target}, X_val=held_out[0], y_val=held_out[1])\n"
        "    rounds = int(np.argmax(model.validation_score_[1:])) + 1\n"
        "    model.set_params(max_iter=rounds, early_stopping=False)\n"
        f"{PIPELINE if asked.classes else PIPELINE_SCALED}    return pipeline.fit(X, y)\n"
    )
    return boosted(model, fit, [], asked)


DENSE: Mapping[str, Writer] = MappingProxyType(
    {
        "linear": _linear,
        "elastic-net": _elastic_net,
        "knn": _nearest,
        "svm-rbf": _svm("rbf"),
        "svm-poly": _svm("poly", max_iter=POLYNOMIAL_ITERATIONS),
    }
)
"""Models on complete, scaled, one-hot columns."""
TREES: Mapping[str, Writer] = MappingProxyType(
    {"tree": _tree, "random-forest": _forest("RandomForest"), "extra-trees": _forest("ExtraTrees")}
)
"""Models on numbers and codes."""
BOOSTED: Mapping[str, Callable[[Asked], str]] = MappingProxyType(
    {"xgboost": _xgboost, "lightgbm": _lightgbm, "hist-gb": _hist_gb}
)
"""Models on numbers and codes that stop early. Every learner in none of the three is bench's own."""
