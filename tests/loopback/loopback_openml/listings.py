"""OpenML's list calls: filters are pairs of path segments, `data/list/status/active/limit/10`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from loopback_openml.content import Catalogue, ServedDataset, ServedSuite, ServedTask

Served = TypeVar("Served")

QUALITY_OF = {
    "number_instances": "NumberOfInstances",
    "number_features": "NumberOfFeatures",
    "number_classes": "NumberOfClasses",
    "number_missing_values": "NumberOfMissingValues",
}


class UnknownFilterError(ValueError):
    """A filter that the list does not have."""


def datasets_of(catalogue: Catalogue, filters: Mapping[str, str]) -> list[ServedDataset]:
    """Return the datasets that pass, by id; without a `status`, the active ones."""
    chosen = _dataset_test({"status": "active"} | _without_page(filters))
    return list(_page(sorted(filter(chosen, catalogue.datasets), key=lambda served: served.id), filters))


def tasks_of(catalogue: Catalogue, filters: Mapping[str, str]) -> list[tuple[ServedTask, ServedDataset]]:
    """Return the tasks that pass, by id, each with its dataset; without a `status`, those of active ones."""
    rest = _without_page(filters)
    types, ids = rest.pop("type", None), rest.pop("task_id", None)
    rest["tag"] = rest.pop("data_tag", "")
    chosen = _dataset_test({"status": "active"} | {name: value for name, value in rest.items() if value})
    pairs = (
        (task, dataset)
        for task in sorted(catalogue.tasks, key=lambda served: served.id)
        if (dataset := catalogue.dataset(task.dataset_id)) is not None
        and (types is None or task.type == int(types))
        and (ids is None or task.id in _ids(ids))
        and chosen(dataset)
    )
    return list(_page(pairs, filters))


def suites_of(catalogue: Catalogue, filters: Mapping[str, str]) -> list[ServedSuite]:
    """Return the suites that pass; there are no studies of another kind."""
    rest = {"main_entity_type": "task", "status": "active"} | _without_page(filters)
    unknown = set(rest) - {"main_entity_type", "status"}
    if unknown:
        raise UnknownFilterError(f"no filter {min(unknown)!r}")
    chosen = (suite for suite in catalogue.suites if rest["status"] in ("all", suite.status))
    return list(_page(chosen if rest["main_entity_type"] == "task" else (), filters))


def _dataset_test(filters: Mapping[str, str]) -> Callable[[ServedDataset], bool]:
    tests: dict[str, Callable[[ServedDataset, str], bool]] = {
        "status": lambda dataset, value: value in ("all", dataset.status),
        "data_id": lambda dataset, value: dataset.id in _ids(value),
        "data_name": lambda dataset, value: dataset.name == value,
        "data_version": lambda dataset, value: dataset.version == int(value),
        "tag": lambda dataset, value: value in dataset.tags,
    }
    unknown = set(filters) - set(tests) - set(QUALITY_OF)
    if unknown:
        raise UnknownFilterError(f"no filter {min(unknown)!r}")

    def passes(dataset: ServedDataset) -> bool:
        return all(
            tests[name](dataset, value) if name in tests else _within(dataset, QUALITY_OF[name], value)
            for name, value in filters.items()
        )

    return passes


def _within(dataset: ServedDataset, quality: str, wanted: str) -> bool:
    """Return whether a quality is the wanted number, or in the wanted range `low..high`."""
    low, _, high = wanted.partition("..")
    value = dataset.qualities[quality]
    return value is not None and float(low) <= value <= float(high or low)


def _ids(listed: str) -> set[int]:
    return {int(part) for part in listed.split(",")}


def _without_page(filters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in filters.items() if name not in ("limit", "offset")}


def _page(found: Iterable[Served], filters: Mapping[str, str]) -> Iterator[Served]:
    start = int(filters.get("offset", "0"))
    stop = start + int(filters["limit"]) if "limit" in filters else None
    return islice(found, start, stop)
