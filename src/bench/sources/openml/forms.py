"""OpenML's own forms of what is sent: flow.xml, description.xml and predictions.arff.

The client writes the XML, and its ARFF library the predictions. That file has no column for a `sample`,
which the server reads of learning curves alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.sources.openml.uploads import Flow, Parameter, Upload

FLOW, RUN, PREDICTIONS = "flow.xml", "description.xml", "predictions.arff"


def forms(openml: Any, upload: Upload, classes: tuple[str, ...], flow_id: int | None) -> Mapping[str, str]:
    """Return the files of a run by name; `classes` are those of the task, in its order.

    Without the number of the flow, which the server gives, its place in the run's description is empty.
    """
    return {
        FLOW: str(flow_form(openml, upload.flow, upload.parameters)._to_xml()),  # noqa: SLF001 - no public name
        RUN: run_form(openml, upload, flow_id),
        PREDICTIONS: predictions_form(upload, classes),
    }


def flow_form(openml: Any, flow: Flow, parameters: tuple[Parameter, ...]) -> Any:
    """Return the client's flow."""
    return openml.OpenMLFlow(
        name=flow.name,
        description=flow.description,
        model=None,
        components={},
        parameters={each.name: each.default for each in parameters},
        parameters_meta_info={
            each.name: {"description": None, "data_type": each.data_type} for each in parameters
        },
        external_version=flow.external_version,
        tags=[],
        language="English",
        dependencies=flow.dependencies,
    )


def run_form(openml: Any, upload: Upload, flow_id: int | None) -> str:
    """Return the description of a run."""
    run = openml.OpenMLRun(
        task_id=upload.task_id,
        flow_id=flow_id,
        dataset_id=None,
        parameter_settings=[{"oml:name": each.name, "oml:value": each.value} for each in upload.parameters],
    )
    return str(run._to_xml())  # noqa: SLF001 - no public name


def predictions_form(upload: Upload, classes: tuple[str, ...]) -> str:
    """Return the predictions as ARFF, a line for each test row of each fold.

    A class of the task that no row has here is given the confidence 0.
    """
    import arff

    kind: Any = list(classes) if classes else "NUMERIC"
    columns = [("repeat", "NUMERIC"), ("fold", "NUMERIC"), ("row_id", "NUMERIC")]
    columns += [("prediction", kind), ("correct" if classes else "truth", kind)]
    columns += [(f"confidence.{label}", "NUMERIC") for label in classes]
    return str(
        arff.dumps(
            {
                "description": upload.comment,
                "relation": f"openml_task_{upload.task_id}_predictions",
                "attributes": columns,
                "data": list(_lines(upload, classes)),
            }
        )
    )


def _lines(upload: Upload, classes: tuple[str, ...]) -> Iterator[list[float | int | str]]:
    place = [upload.classes.index(label) if label in upload.classes else None for label in classes]
    for fold in upload.folds:
        where = (fold.repeat, fold.fold)
        outcomes = zip(fold.rows, fold.predicted, fold.truth, strict=True)
        for i, (row, predicted, truth) in enumerate(outcomes):
            if not classes:
                yield [*where, row, predicted, truth]
                continue
            labels = upload.classes[int(predicted)], upload.classes[int(truth)]
            confident = fold.confidences[i]
            yield [*where, row, *labels, *(0.0 if k is None else confident[k] for k in place)]
