"""The texts that snippets are put together from: what the encoders of the zoo do, in scikit-learn's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bench.datasets import ImageShape, ProblemType
from bench.spaces import Config, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A configuration of a learner, and what for."""

    learner: str
    """Its name or import path."""
    config: Config
    problem: ProblemType
    seed: int
    image: ImageShape | None = None

    @property
    def classes(self) -> bool:
        """Whether the target is a class."""
        return self.problem.is_classification


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A library's model."""

    module: str
    name: str
    params: Mapping[str, Value]

    @property
    def text(self) -> str:
        """`Ridge(alpha=1.0)`, over several lines where it is long."""
        return _lines(self.name, "()", [f"{name}={quoted(value)}" for name, value in self.params.items()])

    @property
    def imports(self) -> str:
        """`from sklearn.linear_model import Ridge`."""
        return f"from {self.module} import {self.name}"


def quoted(value: Value) -> str:
    """Return a value as it is written in code."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _lines(head: str, brackets: str, items: list[str]) -> str:
    """Return items in brackets inside a function: on one line, or a line each where it would be long."""
    opening, closing = brackets[0], brackets[1]
    line = f"{head}{opening}{', '.join(items)}{closing}"
    if len(line) <= MOST_COLUMNS:
        return line
    return "\n".join([f"{head}{opening}", *(f"        {each}," for each in items), f"    {closing}"])


FRAME = """\
# X: a pandas DataFrame of numbers and of categories (dtype "category"); missing values are welcome,
# infinite ones are not. y: {target}.
"""
IS_NUMBER = """
NUMBERS = make_column_selector(dtype_exclude="category")
CATEGORIES = make_column_selector(dtype_include="category")
"""
SCALERS = {
    "standard": "StandardScaler()",
    "robust": "make_pipeline(\n        RobustScaler(unit_variance=True),\n"
    '        FunctionTransformer(np.clip, kw_args={"a_min": -10.0, "a_max": 10.0}),\n    )',
    "quantile": "QuantileTransformer(\n"
    '        n_quantiles=min(1000, n_rows), output_distribution="normal", random_state={seed}\n    )',
}
DENSE_COLUMNS = '''

def few_levels(X):
    """Categories of at most 30 levels."""
    return [name for name in X.select_dtypes("category") if X[name].nunique() <= 30]


def many_levels(X):
    """The other ones."""
    return [name for name in X.select_dtypes("category") if X[name].nunique() > 30]


def scaler(n_rows):
    return {scaler}


def columns(n_rows):
    """Numbers complete and scaled, with a flag for missing; categories one-hot or mean targets."""
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    folds = KFold(5, shuffle=True, random_state={seed})
    means = TargetEncoder(target_type="{target_type}", cv=folds)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(impute, scaler(n_rows)), NUMBERS),
            ("missing", MissingIndicator(error_on_new=False), NUMBERS),
            ("one_hot", one_hot, few_levels),
            ("target_means", make_pipeline(means, scaler(n_rows)), many_levels),
        ]
    )

'''
TREE_COLUMNS = '''

class Codes(TransformerMixin, BaseEstimator):
    """Categories as codes, in their own order; missing ones, and those of no fit row, as NaN."""

    def fit(self, X, y=None):
        self.levels_ = [X[name].cat.remove_unused_categories().cat.categories for name in X]
        return self

    def transform(self, X):
        levels = zip(X, self.levels_)
        codes = [X[name].cat.set_categories(known).cat.codes for name, known in levels]
        return np.where(np.transpose(codes) < 0, np.nan, np.transpose(codes))


def columns():
    """Numbers as they are, then categories as codes."""
    return ColumnTransformer([("numbers", "passthrough", NUMBERS), ("codes", Codes(), CATEGORIES)])

'''
FIT_CLASSES = """
def fit(X, y):
    model = {model}
    return make_pipeline({columns}, model).fit(X, y)
"""
FIT_NUMBERS = """
def fit(X, y):
    model = {model}
    pipeline = make_pipeline({columns}, model)
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler()).fit(X, y)
"""
FIT_BOOSTED = '''
def fit(X, y, X_valid, y_valid):
    """Boost until the validation loss has not fallen for {patience} rounds; keep those up to the best."""
    n_numbers, n_codes = len(NUMBERS(X)), len(CATEGORIES(X))
{scaled}    encoder = columns().fit(X)
    held_out = (encoder.transform(X_valid), {y_valid})
    model = {model}
{fit}'''
SCALED = "    center, scale = np.mean(y), np.std(y)\n"
OWN = '''from bench import estimator


def fit(X, y, X_valid=None, y_valid=None):
    """Rows held out, where there are any, say when to stop."""
    config = {config}
    options = {{"problem": "{problem}"{n_classes}, "seed": {seed}{image}}}
    model = estimator("{learner}", config, **options)
    return model.fit(X, y, validation=None if X_valid is None else (X_valid, y_valid))
'''
USE = """

# model = fit({arguments})
# model.predict(X_new)
"""
MOST_COLUMNS = 84
"""How long a call is on one line, its indentation apart."""
PIPELINE = '    pipeline = Pipeline([("columns", columns()), ("model", model)])\n'
PIPELINE_SCALED = PIPELINE + (
    "    pipeline = TransformedTargetRegressor(pipeline, transformer=StandardScaler())\n"
)


def dense(model: Model, asked: Asked) -> str:
    """Return the code of a model on complete, scaled, one-hot columns."""
    scaling = str(asked.config["scaling"])
    target_type = "continuous" if not asked.classes else asked.problem.value
    scalers = {
        "standard": ["StandardScaler"],
        "robust": ["FunctionTransformer", "RobustScaler"],
        "quantile": ["QuantileTransformer"],
    }
    extra = [] if asked.classes else ["StandardScaler"]
    preprocessing = sorted({"OneHotEncoder", "TargetEncoder", *scalers[scaling], *extra})
    imports = [
        *(["import numpy as np"] if scaling == "robust" else []),
        "from sklearn.compose import ColumnTransformer, make_column_selector",
        *([] if asked.classes else ["from sklearn.compose import TransformedTargetRegressor"]),
        "from sklearn.impute import MissingIndicator, SimpleImputer",
        model.imports,
        "from sklearn.model_selection import KFold",
        "from sklearn.pipeline import make_pipeline",
        f"from sklearn.preprocessing import {', '.join(preprocessing)}",
    ]
    scaler = SCALERS[scaling].replace("{seed}", repr(asked.seed))
    blocks = DENSE_COLUMNS.format(scaler=scaler, seed=asked.seed, target_type=target_type)
    head = IS_NUMBER.replace('CATEGORIES = make_column_selector(dtype_include="category")\n', "")
    return _whole(imports, head + blocks, _fit(model, "columns(len(X))", asked), asked)


def trees(model: Model, asked: Asked) -> str:
    """Return the code of a model on numbers and codes."""
    imports = [
        *_tree_imports(),
        model.imports,
        "from sklearn.pipeline import make_pipeline",
        *([] if asked.classes else _scaled_target_imports()),
    ]
    return _whole(imports, IS_NUMBER + TREE_COLUMNS, _fit(model, "columns()", asked), asked)


def boosted(model: Model, fit: str, imports: list[str], asked: Asked) -> str:
    """Return the code of boosted trees on numbers and codes; `fit` has the model and `held_out`."""
    body = FIT_BOOSTED.format(
        patience=50,
        scaled="" if asked.classes else SCALED,
        y_valid="y_valid" if asked.classes else "(y_valid - center) / scale",
        model=model.text,
        fit=fit,
    )
    needed = [*_tree_imports(), *imports, model.imports, "from sklearn.pipeline import Pipeline"]
    needed += [] if asked.classes else _scaled_target_imports()
    return _whole(needed, IS_NUMBER + TREE_COLUMNS, body, asked, validated=True)


def own(asked: Asked) -> str:
    """Return the code that asks bench for the estimator."""
    n_classes = ', "n_classes": len(set(y))' if asked.problem is ProblemType.MULTICLASS else ""
    image = asked.image
    size = "" if image is None else f', "image": ({image.height}, {image.width}, {image.channels})'
    body = OWN.format(
        config=_lines("", "{}", [f"{quoted(name)}: {quoted(value)}" for name, value in asked.config.items()]),
        learner=asked.learner,
        problem=asked.problem.value,
        n_classes=n_classes,
        seed=asked.seed,
        image=size,
    )
    return _about(asked) + body + USE.format(arguments="X, y, X_valid, y_valid")


def _fit(model: Model, columns: str, asked: Asked) -> str:
    return (FIT_CLASSES if asked.classes else FIT_NUMBERS).format(model=model.text, columns=columns)


def _whole(imports: list[str], blocks: str, fit: str, asked: Asked, *, validated: bool = False) -> str:
    arguments = "X, y, X_valid, y_valid" if validated else "X, y"
    return f"{_about(asked)}{_merged(imports)}\n{blocks}{fit}{USE.format(arguments=arguments)}"


def _merged(imports: list[str]) -> str:
    """Return the imports in order, one line a module."""
    plain = sorted({line for line in imports if line.startswith("import")})
    names: dict[str, set[str]] = {}
    for line in imports:
        module, found, imported = line.removeprefix("from ").partition(" import ")
        if found:
            names.setdefault(module, set()).update(imported.split(", "))
    return "\n".join(plain + [_import(module, sorted(names[module])) for module in sorted(names)])


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= MOST_COLUMNS:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def _about(asked: Asked) -> str:
    return FRAME.format(target="numbers" if not asked.classes else "classes, as numbers from 0")


def _tree_imports() -> list[str]:
    return [
        "import numpy as np",
        "from sklearn.base import BaseEstimator, TransformerMixin",
        "from sklearn.compose import ColumnTransformer, make_column_selector",
    ]


def _scaled_target_imports() -> list[str]:
    return [
        "from sklearn.compose import TransformedTargetRegressor",
        "from sklearn.preprocessing import StandardScaler",
    ]
