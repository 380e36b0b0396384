"""The families: each an inductive bias with at most three learners, declared before any result is seen."""

from __future__ import annotations

from bench.learners import Family

FAMILIES = (
    Family(
        name="dummy",
        title="No features",
        bias="The features say nothing: predict the class frequencies or the mean.",
        learners=("dummy",),
    ),
    Family(
        name="linear",
        title="Linear models",
        bias="Every feature adds its own straight line, and large weights are unlikely.",
        learners=("linear", "elastic-net"),
    ),
    Family(
        name="polynomial",
        title="Polynomials",
        bias="The target is a polynomial of low degree in the features, and large weights are unlikely.",
        learners=("polynomial",),
    ),
    Family(
        name="neighbors",
        title="Nearest neighbours",
        bias="Rows that are close in scaled feature space have the same target.",
        learners=("knn",),
    ),
    Family(
        name="tree",
        title="Single trees",
        bias="The target is constant on a few axis-aligned boxes.",
        learners=("tree",),
    ),
    Family(
        name="forest",
        title="Bagged trees",
        bias="The target is an average of deep axis-aligned trees, each grown on other rows.",
        learners=("random-forest", "extra-trees"),
    ),
    Family(
        name="boosted-trees",
        title="Boosted trees",
        bias="The target is a sum of small axis-aligned trees, each correcting the ones before it.",
        learners=("xgboost", "lightgbm", "hist-gb"),
    ),
    Family(
        name="svm",
        title="Support vector machines",
        bias="The target is smooth in a kernel that treats all features alike, and few rows decide.",
        learners=("svm-rbf", "svm-poly", "svm-nystroem"),
    ),
    Family(
        name="gp",
        title="Gaussian processes",
        bias="The target is a draw of a stationary random function whose smoothness per feature is learnt.",
        learners=("gp-exact", "gp-sparse", "gp-conv"),
    ),
    Family(
        name="net",
        title="Neural nets",
        bias="The target is a composition of linear maps and kinks that gradient descent finds early.",
        learners=("mlp", "residual-mlp", "pixel-mlp"),
    ),
    Family(
        name="conv",
        title="Convolutional nets",
        bias="What a place of an image means follows from its neighbours, in the same way everywhere.",
        learners=("conv-net", "residual-conv-net", "conv-net-bf16"),
    ),
    Family(
        name="transformer",
        title="Vision transformers",
        bias="An image is a set of patches, and which of them matter to each other is learnt.",
        learners=("vit", "vit-conv-init"),
    ),
    Family(
        name="bagged-others",
        title="Bagging without trees",
        bias="The target is an average of models that are no trees, each fitted on other rows.",
        learners=("bagged-polynomial", "bagged-nystroem", "bagged-mlp"),
    ),
    Family(
        name="boosted-others",
        title="Boosting without trees",
        bias="The target is a sum of small models that are no trees, each correcting the ones before it.",
        learners=("boosted-polynomial", "boosted-nystroem", "boosted-mlp"),
    ),
    Family(
        name="schemes-on-trees",
        title="Bagging and boosting by bench's own schemes, with trees",
        bias="The same averages and sums as without trees, of axis-aligned trees: only the base differs.",
        learners=("bagged-tree", "boosted-tree"),
    ),
    Family(
        name="image-features",
        title="Fixed features of images",
        bias="Local features are the same at every place and need no labels; a shallow model weighs them.",
        learners=("kmeans-logistic", "random-conv-ridge", "hog-svm"),
    ),
    Family(
        name="boosted-features",
        title="Boosted trees on features of images",
        bias="The class is a sum of small axis-aligned trees in features of the image, not in its pixels.",
        learners=("xgboost-pca", "xgboost-hog"),
    ),
)
"""In the order of the tables."""
