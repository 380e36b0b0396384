"""An OpenML server on 127.0.0.1, for tests: it answers what the real client asks, and misbehaves on order.

with LoopbackServer(official_catalogue()) as server:
    openml.config.server = server.url
    ...
    server.misbehave("*/data/features/*", Busy(times=2))

It takes flows and runs of who has its key, and keeps them as they came: `server.flows`, `server.runs`.
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
    DroppedUpload,
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
from loopback_openml.uploads import ReceivedFlow, ReceivedRun

__all__ = [
    "HOSTILE_NAMES",
    "Busy",
    "Catalogue",
    "CutBody",
    "DroppedUpload",
    "Estimation",
    "GzipBomb",
    "Hang",
    "HostileName",
    "HtmlPage",
    "LoopbackServer",
    "Nominal",
    "ReceivedFlow",
    "ReceivedRun",
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
