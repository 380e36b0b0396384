"""OpenML's official cross-validation folds, recomputed.

OpenML's server (openml/EvaluationEngine) splits with Weka: `Instances.randomize` on a
`java.util.Random(0)`, `Instances.stratify` where the target is nominal, then `trainCV` and `testCV`
(Hall et al., The WEKA data mining software: an update, 2009). Row ids are positions in the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt


class JavaRandom:
    """`java.util.Random`: the 48-bit linear congruential generator of its specification."""

    def __init__(self, seed: int) -> None:
        """Scramble the seed as Java does."""
        self._state = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1)

    def next_int(self, bound: int) -> int:
        """Return an int in [0, bound), as `nextInt(bound)` does."""
        if bound & (bound - 1) == 0:
            return (bound * self._next31()) >> 31
        while True:
            bits = self._next31()
            value = bits % bound
            if bits - value + bound - 1 < 1 << 31:
                return value

    def _next31(self) -> int:
        self._state = (self._state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        return self._state >> 17


def held_out_folds(labels: Sequence[int] | None, n_rows: int, n_folds: int = 10) -> list[list[int]]:
    """Return the row ids of each test fold of the first repeat, in Weka's order.

    `labels` are the class codes (n_rows,), or None for a regression, which is not stratified.
    """
    order = list(range(n_rows))
    random = JavaRandom(0)
    for last in range(n_rows - 1, 0, -1):
        other = random.next_int(last + 1)
        order[last], order[other] = order[other], order[last]
    if labels is not None:
        order = _stratify(order, labels, n_folds)
    sizes = [n_rows // n_folds + (fold < n_rows % n_folds) for fold in range(n_folds)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return [order[starts[fold] : starts[fold + 1]] for fold in range(n_folds)]


def fold_of_row(labels: Sequence[int] | None, n_rows: int, n_folds: int = 10) -> npt.NDArray[np.int16]:
    """Return for each row the fold (n_rows,) that it is tested in."""
    result = np.empty(n_rows, dtype=np.int16)
    for fold, rows in enumerate(held_out_folds(labels, n_rows, n_folds)):
        result[rows] = fold
    return result


def splits_md5(name: str, folds: Sequence[Sequence[int]]) -> str:
    """Return the MD5 of the split file, the value that OpenML's test data lists for a task."""
    return hashlib.md5("\n".join(_splits_arff(name, folds)).encode(), usedforsecurity=False).hexdigest()


def _stratify(order: list[int], labels: Sequence[int], n_folds: int) -> list[int]:
    """Group the rows by class with Weka's swaps, then take every n_folds-th."""
    index = 1
    while index < len(order):
        wanted = labels[order[index - 1]]
        for j in range(index, len(order)):
            if labels[order[j]] == wanted:
                order[index], order[j] = order[j], order[index]
                index += 1
        index += 1
    return [row for start in range(n_folds) for row in order[start::n_folds]]


def _splits_arff(name: str, folds: Sequence[Sequence[int]]) -> Iterator[str]:
    yield f"@relation {name}_splits"
    yield ""
    yield "@attribute type {TRAIN,TEST}"
    yield from (f"@attribute {column} numeric" for column in ("rowid", "repeat", "fold"))
    yield ""
    yield "@data"
    for fold, test in enumerate(folds):
        train = [row for other, rows in enumerate(folds) if other != fold for row in rows]
        yield from (f"TRAIN,{row},0,{fold}" for row in train)
        yield from (f"TEST,{row},0,{fold}" for row in test)
