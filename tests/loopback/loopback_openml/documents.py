"""The XML that OpenML answers with, and the split file."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from loopback_openml.arff import Kind, quoted
from loopback_openml.content import Estimation, ServedDataset, ServedSuite, ServedTask, TaskType

NAMESPACE = "http://openml.org/openml"
UPLOADED = "2014-04-06T23:23:39"
"""When everything here came to be."""

Content = ET.Element | tuple[str, object]
"""An element, or the tag and text of one."""


def document(root: str, content: Iterable[Content]) -> bytes:
    """Return an XML file with OpenML's namespace on its root."""
    element = _element(root, content)
    element.set("xmlns:oml", NAMESPACE)
    ET.indent(element)
    return ET.tostring(element, encoding="unicode", xml_declaration=False).encode("utf-8")


def description(dataset: ServedDataset, origin: str) -> bytes:
    """Return what `data/ID` answers."""
    return document(
        "data_set_description",
        [
            ("id", dataset.id),
            ("name", dataset.name),
            ("version", dataset.version),
            ("description", dataset.description),
            ("format", dataset.format),
            ("upload_date", UPLOADED),
            ("licence", dataset.licence),
            ("url", origin + arff_path(dataset)),
            *([("parquet_url", origin + parquet_path(dataset))] if dataset.parquet else []),
            ("file_id", dataset.file),
            *([("default_target_attribute", dataset.target)] if dataset.target else []),
            *([("row_id_attribute", dataset.row_id)] if dataset.row_id else []),
            *(("ignore_attribute", name) for name in dataset.ignore),
            *([("citation", dataset.citation)] if dataset.citation else []),
            *(("tag", tag) for tag in dataset.tags),
            ("visibility", "public"),
            ("status", dataset.status),
            ("processing_date", UPLOADED.replace("T", " ")),
            ("md5_checksum", dataset.md5),
        ],
    )


def arff_path(dataset: ServedDataset) -> str:
    """Return where the ARFF file is; the name is decoration."""
    return f"/data/v1/download/{dataset.file}/{quote(dataset.name, safe='')}.arff"


def parquet_path(dataset: ServedDataset) -> str:
    """Return where the Parquet file is: a bucket and an object in it, as an object store has them."""
    return f"/datasets/{dataset.id // 10000:04d}/{dataset.id:04d}/dataset_{dataset.id}.pq"


def features(dataset: ServedDataset) -> bytes:
    """Return what `data/features/ID` answers."""
    rows = []
    for index, attribute in enumerate(dataset.table.attributes):
        name = attribute.name
        missing = sum(cell is None for cell in dataset.table.column(name))
        rows.append(
            _element(
                "feature",
                [
                    ("index", index),
                    ("name", name),
                    ("data_type", attribute.kind),
                    *(
                        ("nominal_value", level)
                        for level in attribute.levels
                        if attribute.kind is Kind.NOMINAL
                    ),
                    ("is_target", _flag(name == dataset.target)),
                    ("is_ignore", _flag(name in dataset.ignore)),
                    ("is_row_identifier", _flag(name == dataset.row_id)),
                    ("number_of_missing_values", missing),
                ],
            )
        )
    return document("data_features", rows)


def qualities(dataset: ServedDataset) -> bytes:
    """Return what `data/qualities/ID` answers; what is not defined has no value."""
    return document(
        "data_qualities",
        [
            _element("quality", [("name", name), ("value", _number(value))])
            for name, value in dataset.qualities.items()
        ],
    )


def dataset_list(datasets: Sequence[ServedDataset]) -> bytes:
    """Return what `data/list` answers."""
    return document(
        "data",
        [
            _element(
                "dataset",
                [
                    ("did", dataset.id),
                    ("name", dataset.name),
                    ("version", dataset.version),
                    ("status", dataset.status),
                    ("format", dataset.format),
                    ("file_id", dataset.file),
                    *_defined_qualities(dataset),
                ],
            )
            for dataset in datasets
        ],
    )


def task(served: ServedTask, origin: str) -> bytes:
    """Return what `task/ID` answers."""
    data_set = [("data_set_id", served.dataset_id), ("target_feature", served.target)]
    measure = "mean_absolute_error" if served.type is TaskType.REGRESSION else "predictive_accuracy"
    estimation = served.estimation
    parameters = {
        "number_repeats": estimation.repeats,
        "number_folds": estimation.folds,
        "percentage": estimation.percentage,
        "stratified_sampling": _flag(estimation.stratified),
    }
    procedure: list[Content] = [
        ("id", estimation.id),
        ("type", estimation.type),
        ("data_splits_url", origin + splits_path(served)),
        *(_named("parameter", name, value) for name, value in parameters.items()),
    ]
    measures = [("evaluation_measure", measure)]
    return document(
        "task",
        [
            ("task_id", served.id),
            ("task_name", f"Task {served.id}"),
            ("task_type_id", served.type.value),
            ("task_type", served.type.label),
            _named("input", "source_data", [_element("data_set", data_set)]),
            _named("input", "estimation_procedure", [_element("estimation_procedure", procedure)]),
            _named("input", "cost_matrix", [_element("cost_matrix", [])]),
            _named("input", "evaluation_measures", [_element("evaluation_measures", measures)]),
        ],
    )


def splits_path(served: ServedTask) -> str:
    """Return where the split file is."""
    return f"/api_splits/get/{served.id}/Task_{served.id}_splits.arff"


def splits(served: ServedTask, relation: str) -> bytes:
    """Return the split file, laid out as OpenML's evaluation engine writes it; no line end at its end."""
    sampled = any(row.sample for row in served.splits)
    columns = ("rowid", "repeat", "fold", *(("sample",) if sampled else ()))
    plain = re.fullmatch(r"[\w.-]+", relation)
    lines = [f"@relation {relation if plain else quoted(relation)}", ""]
    lines += ["@attribute type {TRAIN,TEST}", *(f"@attribute {name} numeric" for name in columns)]
    lines += ["", "@data"]
    lines += (
        f"{row.part},{row.rowid},{row.repeat},{row.fold}" + (f",{row.sample}" if sampled else "")
        for row in served.splits
    )
    return "\n".join(lines).encode("utf-8")


def task_list(tasks: Sequence[tuple[ServedTask, ServedDataset]]) -> bytes:
    """Return what `task/list` answers."""
    return document(
        "tasks",
        [
            _element(
                "task",
                [
                    ("task_id", served.id),
                    ("task_type_id", served.type.value),
                    ("task_type", served.type.label),
                    ("did", dataset.id),
                    ("name", dataset.name),
                    ("status", dataset.status),
                    ("format", dataset.format),
                    _named("input", "estimation_procedure", served.estimation.id),
                    _named("input", "source_data", dataset.id),
                    _named("input", "target_feature", served.target),
                    *_defined_qualities(dataset),
                ],
            )
            for served, dataset in tasks
        ],
    )


def estimation_procedures(estimations: Sequence[Estimation]) -> bytes:
    """Return what `estimationprocedure/list` answers."""
    return document(
        "estimationprocedures",
        [
            _element(
                "estimationprocedure",
                [
                    ("id", estimation.id),
                    ("ttid", estimation.task_type.value),
                    ("name", estimation.name),
                    ("type", estimation.type),
                    ("repeats", estimation.repeats),
                    *([("folds", estimation.folds)] if estimation.folds else []),
                    *([("percentage", estimation.percentage)] if estimation.percentage else []),
                    ("stratified_sampling", _flag(estimation.stratified)),
                ],
            )
            for estimation in estimations
        ],
    )


def suite(served: ServedSuite, dataset_ids: Sequence[int]) -> bytes:
    """Return what `study/ID` answers."""
    return document(
        "study",
        [
            *_suite_head(served),
            ("description", served.description or served.name),
            _element("data", [("data_id", dataset_id) for dataset_id in dataset_ids]),
            _element("tasks", [("task_id", task_id) for task_id in served.tasks]),
        ],
    )


def suite_list(suites: Sequence[ServedSuite]) -> bytes:
    """Return what `study/list` answers."""
    return document("study_list", [_element("study", _suite_head(served)) for served in suites])


def error(code: int, message: str) -> bytes:
    """Return what comes with HTTP's 412."""
    return document("error", [("code", code), ("message", message)])


def flow_exists(flow_id: int | None) -> bytes:
    """Return what `flow/exists` answers; None is that there is none."""
    return document("flow_exists", [("exists", _flag(flow_id is not None)), ("id", flow_id or -1)])


def flow_uploaded(flow_id: int) -> bytes:
    """Return what the upload of a flow answers."""
    return document("upload_flow", [("id", flow_id)])


def run_uploaded(run_id: int) -> bytes:
    """Return what the upload of a run answers."""
    return document("upload_run", [("run_id", run_id)])


def flow(flow_id: int, sent: ET.Element) -> bytes:
    """Return what `flow/ID` answers: what was sent, with what the server adds to it."""
    before: dict[str, Content] = {"external_version": ("version", 1), "language": ("upload_date", UPLOADED)}
    content: list[Content] = [("id", flow_id), ("uploader", 1)]
    for child in sent:
        name = child.tag.partition("}")[2]
        if name in before:
            content.append(before.pop(name))
        parts: list[Content] = [(part.tag.partition("}")[2], part.text or "") for part in child]
        content.append(_element(name, parts) if parts else (name, child.text or ""))
    return document("flow", content)


def _suite_head(served: ServedSuite) -> list[Content]:
    return [
        ("id", served.id),
        ("alias", served.alias),
        ("main_entity_type", "task"),
        ("name", served.name),
        ("status", served.status),
        ("creation_date", UPLOADED.replace("T", " ")),
        ("creator", 1),
    ]


def _defined_qualities(dataset: ServedDataset) -> list[ET.Element]:
    pairs = dataset.qualities.items()
    return [_named("quality", name, _number(value)) for name, value in pairs if value is not None]


def _named(tag: str, name: str, content: object) -> ET.Element:
    """Return an element with a `name` attribute; a list is its children, all else its text."""
    element = _element(tag, content if isinstance(content, list) else [])
    element.set("name", name)
    if content is not None and not isinstance(content, list):
        element.text = str(content)
    return element


def _element(tag: str, content: Iterable[Content]) -> ET.Element:
    element = ET.Element(f"oml:{tag}")
    for child in content:
        if isinstance(child, ET.Element):
            element.append(child)
        else:
            ET.SubElement(element, f"oml:{child[0]}").text = str(child[1])
    return element


def _flag(value: bool) -> str:  # noqa: FBT001 - XML has it as a word
    return "true" if value else "false"


def _number(value: float | None) -> str:
    """Return a quality as OpenML writes it: whole numbers with a zero behind the point."""
    return "" if value is None or math.isnan(value) else f"{float(value)!r}"
