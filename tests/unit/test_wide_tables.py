"""Thousands of columns, as images have: the same numbers, in little more memory than what is fitted on."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from bench.datasets import ImageShape
from bench.execution.servers import environment
from bench.search.augmentation import BAND, augmented
from bench.zoo.composite import tabular
from bench.zoo.estimator import estimator
from bench.zoo.estimators.nets import CLIP, InputEncoding
from bench.zoo.image_encoder import ImageEncoder
from bench.zoo.preprocessing import BLOCK, LARGEST, DenseEncoder, TreeEncoder

N, SIDE = 400, 32
WIDTH = 3 * SIDE * SIDE
Y = np.arange(N) % 3


def pixels(n=N, width=WIDTH, seed=0):
    """Images as a cell has them: whole numbers from 0 to 255 in single precision."""
    drawn = np.random.default_rng(seed).integers(0, 256, (n, width)).astype(np.float32)
    return pd.DataFrame(drawn, columns=[f"p{i}" for i in range(width)])


def peak_bytes(function):
    """Return what a call holds at its most, beside what was there before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def whole(scaler, X):
    """Numbers as scikit-learn's own parts make them of all columns at once."""
    columns = list(range(X.shape[1]))
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    parts = [("numbers", make_pipeline(impute, scaler), columns),
             ("missing", MissingIndicator(error_on_new=False), columns)]  # fmt: skip
    return ColumnTransformer(parts).fit(X.to_numpy(np.float64))


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(("scaling", "scaler"), [
    ("standard", StandardScaler()), ("robust", RobustScaler(unit_variance=True)),
    ("quantile", QuantileTransformer(n_quantiles=200, output_distribution="normal", random_state=5)),
])  # fmt: skip
def test_a_block_of_columns_at_a_time_changes_no_bit(scaling, scaler, missing):
    """Nor how they lie in memory: products would be rounded otherwise."""
    X = pixels(width=2 * BLOCK + 1)
    if missing:
        X = X.mask(np.random.default_rng(1).random(X.shape) < 0.0005)
    fit, other = X[:200], X[200:]
    expected = whole(scaler, fit)
    encoder = DenseEncoder(scaling=scaling, seed=5)
    for found, wanted in (
        (encoder.fit_transform(fit, Y[:200]), expected.transform(fit.to_numpy(np.float64))),
        (encoder.transform(other), expected.transform(other.to_numpy(np.float64))),
    ):
        clipped = np.concatenate([np.clip(wanted[:, : X.shape[1]], -10, 10), wanted[:, X.shape[1] :]], axis=1)
        np.testing.assert_array_equal(found, clipped if scaling == "robust" else wanted)
        assert found.flags.c_contiguous == wanted.flags.c_contiguous
        assert (found.shape[1] > X.shape[1]) is missing


def test_dense_columns_take_little_more_than_themselves():
    X = pixels()
    result = 8 * N * WIDTH
    assert peak_bytes(lambda: DenseEncoder().fit_transform(X, Y)) < 2 * result
    encoder = DenseEncoder().fit(X, Y)
    assert peak_bytes(lambda: encoder.transform(X)) < 1.7 * result


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that caps a cell's memory")
def test_the_names_of_columns_take_nothing_of_a_cell_s_memory():
    script = """if True:
        import numpy as np, pandas as pd, sklearn
        def private():
            lines = open("/proc/self/status").read().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmData"))
        before = private()
        pd.DataFrame(np.zeros((9, 3)), columns=["a", "b", "c"]).iloc[[1, 2]].astype({"a": str})
        print(private() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(1), check=True, capture_output=True, text=True
    )
    assert int(done.stdout) < 100_000, "kB"


class Nothing(ClassifierMixin, BaseEstimator):
    """A model that is given validation rows, and keeps nothing."""

    def fit(self, X, y, *, validation=None):
        assert X.dtype == validation[0].dtype == np.float32
        return self


def test_pixels_for_trees_are_not_copied():
    X = pixels()
    model = tabular(TreeEncoder(single=True), Nothing(), classification=True)
    assert peak_bytes(lambda: model.fit(X, Y, validation=(X, Y))) < 0.9 * 4 * N * WIDTH
    encoded = TreeEncoder(single=True).fit(X).transform(X)
    assert np.shares_memory(encoded, X.to_numpy())
    np.testing.assert_array_equal(encoded, TreeEncoder().fit(X).transform(X))


@pytest.mark.parametrize("spoilt", ["double", "infinite", "huge", "category"])
def test_what_is_more_than_single_numbers_is_read_as_ever(spoilt):
    X = pixels(width=4)
    if spoilt == "double":
        X["p1"] = X["p1"].astype(np.float64) + 1e-12
    elif spoilt == "category":
        X["p1"] = pd.Categorical(["a", "b"] * (N // 2))
    else:
        X.loc[3, "p1"] = np.float32(np.inf if spoilt == "infinite" else 3e38)
    single, double = (TreeEncoder(single=each).fit(X).transform(X) for each in (True, False))
    np.testing.assert_array_equal(single, double)
    assert single.dtype == np.float64
    assert np.nanmax(single) <= LARGEST


@pytest.mark.parametrize("name", ["tree", "random-forest", "extra-trees", "xgboost", "lightgbm", "hist-gb"])
def test_trees_on_single_and_double_pixels_are_the_same(name):
    """Two hundred rows say when boosting stops."""
    X = pixels(width=49)
    y = (X["p24"] + X["p25"] > 255).astype(int) + (X["p3"] > 200)
    said = []
    for rows in (X, X.astype(np.float64)):
        few = {"n_estimators": 20} if "tree" in name and name != "tree" else {}
        model = estimator(name, few, problem="multiclass", n_classes=3, seed=7)
        model.fit(rows[:200], y[:200], validation=(rows[200:], y[200:]))
        said.append(model.predict_proba(rows[200:]))
    np.testing.assert_array_equal(*said)


def test_augmented_rows_take_little_more_than_themselves():
    X = pixels(4 * BAND)
    result = 3 * 4 * X.size
    image = ImageShape(SIDE, SIDE, 3)
    assert peak_bytes(lambda: augmented(X, np.arange(len(X)), image, "shift-mirror", 0)) < 1.5 * result


def test_nets_are_given_rows_that_were_encoded_a_few_at_a_time():
    X = np.random.default_rng(0).normal(size=(3000, WIDTH))
    encoding = InputEncoding(X[:50], "none")
    found = encoding(X)
    np.testing.assert_array_equal(found, (CLIP * X / np.hypot(CLIP, X)).astype(np.float32))
    assert peak_bytes(lambda: encoding(X)) < 1.7 * X.nbytes


def test_images_are_copied_once():
    X = pixels()
    encoder = ImageEncoder((SIDE, SIDE, 3)).fit(X)
    assert peak_bytes(lambda: encoder.transform(X)) < 1.6 * 4 * N * WIDTH
