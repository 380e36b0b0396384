"""What it costs to have the rows of a table of 54,000 rows: from the cache, and from its ARFF file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.config.own import frame_task
from bench.sources.arff import read_arff
from bench.sources.cache import Cache
from bench.sources.frames import keep_frame

ROWS, NUMBERS, LEVELS = 54_000, 6, ("fair", "good", "ideal")


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=ROWS).round(3) for i in range(NUMBERS)}
    columns |= {f"c{i}": pd.Categorical(rng.choice(LEVELS, ROWS)) for i in range(3)}
    return pd.DataFrame(columns | {"y": rng.normal(size=ROWS)})


def test_load_from_the_cache(benchmark, frame, tmp_path):
    cache = Cache(tmp_path)
    name = keep_frame(frame, frame_task(frame, {"target": "y"}), cache)
    rows = np.arange(ROWS)
    table = benchmark(lambda: cache.load(name).rows(rows))
    assert table.shape == (ROWS, NUMBERS + 3)


def test_read_the_arff_file(benchmark, frame):
    kinds = [f"{{{','.join(LEVELS)}}}" if name.startswith("c") else "numeric" for name in frame]
    head = [f"@attribute {name} {kind}" for name, kind in zip(frame, kinds, strict=True)]
    text = "\n".join(["@relation r", *head, "@data", frame.to_csv(header=False, index=False)])
    columns = benchmark.pedantic(read_arff, (text, "here"), rounds=3)
    assert len(columns) == NUMBERS + 4
