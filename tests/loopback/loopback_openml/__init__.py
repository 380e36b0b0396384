"""An OpenML server on 127.0.0.1, for tests: it answers what the real client asks, and misbehaves on order.

with LoopbackServer(official_catalogue()) as server:
    openml.config.server = server.url
    ...
    server.misbehave("*/data/features/*", Busy(times=2))
"""

from loopback_openml.content import (
    Catalogue,
    Estimation,
    ServedDataset,
    ServedSuite,
    ServedTask,
    SplitRow,
    TaskType,
)
from loopback_openml.faults import (
    HOSTILE_NAMES,
    Busy,
    CutBody,
    GzipBomb,
    Hang,
    HostileName,
    HtmlPage,
    Redirect,
    ReplacedTable,
    ServerError,
    Trickle,
    WrongChecksum,
)
from loopback_openml.official import official_catalogue, official_datasets, official_tasks
from loopback_openml.procedures import (
    holdout_task,
    learning_curve_task,
    repeated_task,
    ten_fold_task,
    with_a_gap,
    with_an_overlap,
)
from loopback_openml.server import LoopbackServer
from loopback_openml.tables import Nominal, table_dataset, with_parquet

__all__ = [
    "HOSTILE_NAMES",
    "Busy",
    "Catalogue",
    "CutBody",
    "Estimation",
    "GzipBomb",
    "Hang",
    "HostileName",
    "HtmlPage",
    "LoopbackServer",
    "Nominal",
    "Redirect",
    "ReplacedTable",
    "ServedDataset",
    "ServedSuite",
    "ServedTask",
    "ServerError",
    "SplitRow",
    "TaskType",
    "Trickle",
    "WrongChecksum",
    "holdout_task",
    "learning_curve_task",
    "official_catalogue",
    "official_datasets",
    "official_tasks",
    "repeated_task",
    "table_dataset",
    "ten_fold_task",
    "with_a_gap",
    "with_an_overlap",
    "with_parquet",
]
