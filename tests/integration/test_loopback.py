"""The loopback OpenML server against the real client, and its faults against plain HTTP."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import tracemalloc
import urllib.request
import xml.etree.ElementTree as ET
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests
from loopback_openml import (
    HOSTILE_NAMES,
    Busy,
    Catalogue,
    CutBody,
    GzipBomb,
    Hang,
    HostileName,
    HtmlPage,
    LoopbackServer,
    Nominal,
    Redirect,
    ReplacedTable,
    ServedSuite,
    ServerError,
    Trickle,
    WrongChecksum,
    documents,
    holdout_task,
    learning_curve_task,
    official_catalogue,
    repeated_task,
    table_dataset,
    ten_fold_task,
    with_a_gap,
    with_an_overlap,
    with_parquet,
)
from loopback_openml.arff import Kind, read_arff, write_arff
from loopback_openml.official import WHOLE, published
from loopback_openml.procedures import task_type

OFFICIAL = official_catalogue()
IRIS = OFFICIAL.dataset(61)
OWN = table_dataset(
    7001,
    "own, of 'all' kinds",
    {
        "row": [float(i) for i in range(60)],
        "amount": [None if i == 3 else i / 8 for i in range(60)],
        "note": [None if i == 4 else f'it\'s {i}, \\ "so" {{é}}' for i in range(60)],
        "shade, or so": Nominal(
            [None if i == 5 else ("?", "a,b")[i % 2] for i in range(60)], ("a,b", "?", "no")
        ),
        "class": Nominal([("low", "mid", "high")[i % 3] for i in range(60)], ("low", "mid", "high")),
    },
    "class",
    row_id="row",
    ignore=("note",),
    citation="Nobody (2024)",
    tags=("small",),
)
TASKS = (
    repeated_task(8001, IRIS, repeats=10, folds=3),
    holdout_task(8002, OFFICIAL.dataset(561)),
    learning_curve_task(8003, IRIS),
    with_a_gap(ten_fold_task(8004, IRIS)),
    with_an_overlap(ten_fold_task(8005, IRIS)),
)
CLIENT = """
import json, sys
import openml, pandas as pd
from openml.datasets import get_dataset, list_datasets
from openml.study import get_suite, list_suites
from openml.tasks import get_task, list_tasks

def cells(dataset_id):
    frame = get_dataset(dataset_id).get_data(include_row_id=True, include_ignore_attribute=True)[0]
    return {name: [None if pd.isna(v) else v for v in frame[name].tolist()] for name in frame}

def folds(task_id):
    split = get_task(task_id, download_splits=True).download_split().split
    return [[r, f, s, *map(sorted, (part.train.tolist(), part.test.tolist()))]
            for r in split for f in split[r] for s, part in split[r][f].items()]

server, retries, steps = json.load(sys.stdin)
openml.config.server = server
openml.config.set_retry_policy("human", retries)
answers = {}
for name, step in steps.items():
    try:
        answers[name] = eval(step)
    except Exception as error:
        answers[name] = f"{type(error).__name__}: {error}"
print(json.dumps(answers, default=str))
"""


def ask(server, cache, steps, retries=1):
    """Evaluate the steps in a process with the real client; an error becomes its name and text."""
    environment = os.environ | {
        "OPENML_CACHE_DIR": str(cache),
        "XDG_CONFIG_HOME": str(cache),
        "no_proxy": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        input=json.dumps([server.url, retries, steps]),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "uncompressed content" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def get(server, path, method="GET", timeout=30, **headers):
    """Send one request; return the answer, unread, and its connection."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return connection.getresponse(), connection


def body(server, path, **headers):
    answer, connection = get(server, path, **headers)
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def xml(server, path):
    status, content = body(server, f"/api/v1/xml/{path}")
    assert status == 200, content
    return ET.fromstring(content)  # noqa: S314 - what the server under test wrote


def texts(element, tag):
    return [found.text for found in element.iter(f"{{{documents.NAMESPACE}}}{tag}")]


@pytest.fixture
def server():
    with LoopbackServer(OFFICIAL) as running:
        yield running


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the real client made of a server that behaves, then of its cache when the server was gone."""
    cache = tmp_path_factory.mktemp("openml")
    catalogue = OFFICIAL.with_dataset(OWN).with_tasks(TASKS)
    for dataset_id in (61, 40945):
        catalogue = catalogue.with_dataset(with_parquet(OFFICIAL.dataset(dataset_id)))
    steps = {f"cells {key}": f"cells({key})" for key in (*WHOLE, OWN.id)}
    steps |= {f"folds {task.id}": f"folds({task.id})" for task in catalogue.tasks}
    steps |= {f"task {key}": f"vars(get_task({key})) | {{'split': None}}" for key in (59, 4729, 8001, 8002)}
    online = {
        "suite": "[get_suite('OpenML-CC18').id, get_suite(99).tasks, get_suite(99).data]",
        "suites": "list_suites(output_format='dataframe').alias.tolist()",
        "datasets": "list_datasets(output_format='dataframe').did.tolist()",
        "tagged": "list_datasets(tag='small', output_format='dataframe').to_dict('records')",
        "inactive": "list_datasets(status='deactivated', output_format='dataframe').did.tolist()",
        "by id": "list_datasets(data_id=[3, 62], output_format='dataframe').did.tolist()",
        "by size": "list_datasets(number_instances='100..200', output_format='dataframe').did.tolist()",
        "page": "list_datasets(offset=1, size=2, output_format='dataframe').did.tolist()",
        "no datasets": "len(list_datasets(data_name='none such', output_format='dataframe'))",
        "tasks": "list_tasks(output_format='dataframe').tid.tolist()",
        "iris": "list_tasks(data_id=61, output_format='dataframe').estimation_procedure.tolist()",
        "no tasks": "len(list_tasks(data_id=42585, output_format='dataframe'))",
        "by name": "get_dataset('iris').id",
        "qualities": "get_dataset(40945, download_qualities=True).qualities['NumberOfMissingValues']",
        "unknown dataset": "get_dataset(999999)",
        "unknown task": "get_task(999999)",
        "unknown suite": "get_suite(12345)",
    }
    steps["own"] = f"{{k: str(v) for k, v in vars(get_dataset({OWN.id})).items()}}"
    with LoopbackServer(catalogue) as running:
        first = ask(running, cache, {**steps, **online})
        requests = running.requests
        running.stop()
        offline = ask(running, cache, steps)
        running.start()
        restarted = ask(running, cache, {"suite": online["suite"]})
    return {"answers": first, "requests": requests, "offline": offline, "restarted": restarted}


def test_the_client_finds_what_is_listed(told):
    answers = told["answers"]
    assert answers["suite"] == [99, [3, 59, 60], [3, 61, 62]]
    assert answers["suites"] == ["OpenML-CC18", "loopback-regression"]
    assert answers["datasets"] == [3, 61, 62, 561, 7001, 40945, 42585]
    assert answers["inactive"] == [40675]
    assert (answers["by id"], answers["by size"], answers["page"]) == ([3, 62], [61, 62], [61, 62])
    assert answers["tasks"] == [3, 59, 60, 4729, 8001, 8002, 8003, 8004, 8005]
    assert answers["iris"][:2] == ["10-fold Crossvalidation", "10 times 3-fold Crossvalidation"]
    assert answers["by name"] == 61
    assert answers["qualities"] == 3855
    (own,) = answers["tagged"]
    assert (own["name"], own["NumberOfFeatures"], own["NumberOfMissingValues"]) == (OWN.name, 3, 2)


def test_the_client_understands_every_refusal(told):
    answers = told["answers"]
    assert (answers["no datasets"], answers["no tasks"]) == (0, 0)
    assert answers["unknown dataset"].startswith("OpenMLServerNoResult: ")
    assert answers["unknown task"].startswith("OpenMLServerException: ")
    assert "code 601: Unknown study" in answers["unknown suite"]


@pytest.mark.parametrize("dataset", [*OFFICIAL.datasets, OWN], ids=lambda dataset: dataset.name)
def test_the_client_reads_every_value(told, dataset):
    read = told["answers"][f"cells {dataset.id}"]
    assert list(read) == [attribute.name for attribute in dataset.table.attributes]
    for attribute in dataset.table.attributes:
        cells = dataset.table.column(attribute.name)
        if attribute.kind is Kind.NUMERIC:
            wanted = [None if cell is None else float(cell) for cell in cells]
        elif set(attribute.levels) == {"true", "false"}:
            wanted = [None if cell is None else cell == "true" for cell in cells]
        else:
            wanted = list(cells)
        assert read[attribute.name] == wanted, attribute.name


@pytest.mark.parametrize("task", [*OFFICIAL.tasks, *TASKS], ids=lambda task: f"{task.id}")
def test_the_client_reads_every_split(told, task):
    read = {(r, f, s): (train, test) for r, f, s, train, test in told["answers"][f"folds {task.id}"]}
    wanted = {}
    for row in task.splits:
        parts = wanted.setdefault((row.repeat, row.fold, row.sample), ([], []))
        parts[row.part == "TEST"].append(row.rowid)
    assert read == {key: (sorted(train), sorted(test)) for key, (train, test) in wanted.items()}


def test_the_client_reads_what_is_said_of_a_task_and_a_table(told):
    answers = told["answers"]
    assert answers["task 59"]["class_labels"] == ["Iris-setosa", "Iris-versicolor", "Iris-virginica"]
    assert answers["task 4729"]["target_name"] == "class"
    repeated = answers["task 8001"]["estimation_procedure"]
    assert repeated["type"] == "crossvalidation"
    assert (repeated["parameters"]["number_repeats"], repeated["parameters"]["number_folds"]) == ("10", "3")
    held_out = answers["task 8002"]["estimation_procedure"]
    assert (held_out["type"], held_out["parameters"]["percentage"]) == ("holdout", "33")
    own = answers["own"]
    assert (own["name"], own["row_id_attribute"], own["ignore_attribute"]) == (OWN.name, "row", "['note']")
    assert (own["citation"], own["md5_checksum"]) == ("Nobody (2024)", OWN.md5)


def test_parquet_is_taken_where_it_is_announced_and_arff_elsewhere(told):
    requests = told["requests"]
    assert "GET /datasets/0000/0061/dataset_61.pq" in requests
    assert "HEAD /datasets/0000/0061/dataset_61.pq" in requests
    assert "GET /datasets/0004/40945/dataset_40945.pq" in requests
    assert "GET /data/v1/download/61/iris.arff" not in requests
    assert "GET /data/v1/download/52352/zoo.arff" in requests


def test_a_stopped_server_answers_nobody_and_comes_back_under_its_address(told):
    wanted = {name: value for name, value in told["answers"].items() if name in told["offline"]}
    assert told["offline"] == wanted, "the client's cache has it all"
    assert told["restarted"]["suite"] == told["answers"]["suite"]


@pytest.mark.parametrize("dataset", OFFICIAL.datasets, ids=lambda dataset: dataset.name)
def test_features_and_qualities_are_those_that_openml_published(server, dataset):
    theirs = published(dataset.id, "jdf")["feature"]
    ours = xml(server, f"data/features/{dataset.id}")
    tags = ("name", "data_type", "is_target", "is_ignore", "is_row_identifier", "number_of_missing_values")
    for tag in tags:
        assert texts(ours, tag) == [feature[tag] for feature in theirs], tag
    for feature, said in zip(ours, theirs, strict=True):
        levels = said.get("nominal_value") or json.loads(said.get("nominal_values", "null"))
        if levels and "?" not in levels:
            assert sorted(texts(feature, "nominal_value")) == sorted(levels)
    values = {
        quality["name"]: quality["value"] or None for quality in published(dataset.id, "jdq")["quality"]
    }
    counted = xml(server, f"data/qualities/{dataset.id}")
    for name, value in zip(texts(counted, "name"), texts(counted, "value"), strict=True):
        assert value == values[name], name


@pytest.mark.parametrize(
    ("task_id", "md5"),
    [
        (3, "dba45f7a80368682de74efc028a46849"),
        (59, "478a48e90ec98ea54c76425cebc992ea"),
        (60, "314086005649174d36bb6b4addd44454"),
    ],
)
def test_official_splits_have_their_published_checksum(task_id, md5):
    # openml/EvaluationEngine, data/test/splits/task_splits_hashes.csv
    task = OFFICIAL.task(task_id)
    text = documents.splits(task, f"{OFFICIAL.dataset(task.dataset_id).name}_splits")
    assert hashlib.md5(text, usedforsecurity=False).hexdigest() == md5


def test_splits_keep_their_kind_s_rules():
    repeated, held_out, curve, gap, overlap = TASKS
    for repeat in range(10):
        tested = [row.rowid for row in repeated.splits if (row.repeat, row.part) == (repeat, "TEST")]
        assert sorted(tested) == list(range(150))
    assert [sum(row.part == part for row in held_out.splits) for part in ("TRAIN", "TEST")] == [140, 69]
    sizes = [
        sum((row.fold, row.sample, row.part) == (0, s, "TRAIN") for row in curve.splits) for s in range(3)
    ]
    assert sizes == [33, 67, 135]
    assert [len({row.rowid for row in task.splits if row.fold == 0}) for task in (gap, overlap)] == [149, 150]
    assert sum(row.fold == 0 for row in overlap.splits) == 151


def test_an_arff_file_keeps_what_it_was_made_of():
    table = OWN.table
    assert read_arff(write_arff("again", table.attributes, table.rows)) == table
    with pytest.raises(ValueError, match="line end"):
        table_dataset(1, "x", {"a": ["two\nlines"]}, None)
    with pytest.raises(ValueError, match="makes no task"):
        task_type(replace(OWN, target="note"))


def test_answers_are_packed_for_who_takes_it_but_objects_never(server):
    server.catalogue = server.catalogue.with_dataset(with_parquet(IRIS))
    packed, connection = get(server, "/data/v1/download/61/iris.arff", Accept_Encoding="gzip, deflate")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.read()) == IRIS.arff
    connection.close()
    assert body(server, "/data/v1/download/61/iris.arff") == (200, IRIS.arff)
    head, connection = get(server, "/datasets/0000/0061/dataset_61.pq", "HEAD", Accept_Encoding="gzip")
    assert head.read() == b""
    connection.close()
    status, whole = body(server, "/datasets/0000/0061/dataset_61.pq", Accept_Encoding="gzip")
    assert (status, whole[:4], len(whole)) == (200, b"PAR1", int(head.headers["Content-Length"]))
    assert head.headers["ETag"] == f'"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}"'
    assert body(server, "/datasets/0000/0003/dataset_3.pq")[0] == 404


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("data/9", "111"),
        ("data/features/9", "271"),
        ("data/qualities/9", "361"),
        ("data/list/data_name/none", "372"),
        ("data/list/colour/red", "370"),
        ("task/9", "151"),
        ("task/list/type/3", "482"),
        ("study/9", "601"),
        ("study/list/main_entity_type/run", "599"),
        ("flow/1", "100"),
    ],
)
def test_every_refusal_is_a_412_with_openml_s_code(server, path, code):
    status, content = body(server, f"/api/v1/xml/{path}")
    assert (status, texts(ET.fromstring(content), "code")) == (412, [code])  # noqa: S314


def test_requests_are_kept_in_order(server):
    for path in ("task/59", "data/61", "nothing"):
        body(server, f"/api/v1/xml/{path}")
    assert server.requests == [f"GET /api/v1/xml/{path}" for path in ("task/59", "data/61", "nothing")]
    server.forget()
    assert server.requests == []


def test_who_hangs_gets_nothing_until_the_server_stops_and_holds_up_nobody(server):
    server.misbehave("*/data/61", Hang())
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=0.5)
    connection.request("GET", "/api/v1/xml/data/61")
    with pytest.raises(TimeoutError):
        connection.sock.recv(1)
    assert body(server, "/api/v1/xml/data/3")[0] == 200
    server.stop()
    assert connection.sock.recv(1) == b"", "hung up"
    connection.close()


def test_a_stopped_server_leaves_no_connection_that_still_answers(server):
    answer, connection = get(server, "/api/v1/xml/data/61")
    answer.read()
    kept = connection.sock
    assert kept is not None, "kept alive for a second request"
    server.stop()
    assert kept.recv(1) == b"", "hung up"
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        get(server, "/api/v1/xml/data/61")


def test_a_trickle_is_a_byte_at_a_time(server):
    server.misbehave("*.arff", Trickle(pause_s=3600))
    answer, connection = get(server, "/data/v1/download/61/iris.arff", timeout=0.5)
    assert int(answer.headers["Content-Length"]) == len(IRIS.arff)
    assert answer.read(1) == IRIS.arff[:1]
    with pytest.raises(TimeoutError):
        answer.read(1)
    connection.close()
    server.behave()
    server.misbehave("*/estimationprocedure/list", Trickle(pause_s=0))
    assert len(texts(xml(server, "estimationprocedure/list"), "name")) == 3, "it comes to an end"


def test_a_cut_body_is_shorter_than_announced(server):
    server.misbehave("*.arff", CutBody(kept=0.25))
    answer, connection = get(server, "/data/v1/download/61/iris.arff")
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    assert cut.value.partial == IRIS.arff[: len(IRIS.arff) // 4]
    connection.close()


def test_what_happens_n_times_happens_n_times(server):
    server.misbehave("*/data/61", ServerError(times=2))
    server.misbehave("*/data/61", Busy(times=1))
    answers = [body(server, "/api/v1/xml/data/61") for _ in range(4)]
    assert [status for status, _ in answers] == [500, 500, 412, 200]
    assert b"<oml:code>107</oml:code>" in answers[2][1]
    assert body(server, "/api/v1/xml/data/3")[0] == 200


def test_a_page_for_people_is_no_xml(server):
    server.misbehave("*/task/*", HtmlPage())
    status, content = body(server, "/api/v1/xml/task/59")
    assert status == 200
    with pytest.raises(ET.ParseError):
        ET.fromstring(content)  # noqa: S314
    server.behave()
    assert texts(xml(server, "task/59"), "data_set_id") == ["61"]


def test_a_wrong_checksum_is_announced_and_the_file_is_the_old_one(server):
    server.misbehave("*", WrongChecksum(61))
    assert texts(xml(server, "data/61"), "md5_checksum") == ["0" * 32]
    assert body(server, "/data/v1/download/61/iris.arff")[1] == IRIS.arff


def test_a_replaced_table_is_another_one_everywhere_under_the_same_id(server):
    before = texts(xml(server, "data/61"), "md5_checksum")
    server.misbehave("*", ReplacedTable(replace(OWN, id=61)))
    assert texts(xml(server, "data/61"), "md5_checksum") == [OWN.md5] != before
    assert texts(xml(server, "data/features/61"), "name") == [a.name for a in OWN.table.attributes]
    assert body(server, "/data/v1/download/61/iris.arff")[1] == OWN.arff
    server.behave()
    assert body(server, "/data/v1/download/61/iris.arff")[1] == IRIS.arff


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=["path", "script", "long", "emoji"])
def test_a_hostile_name_arrives_as_it_is(server, name):
    server.misbehave("*", HostileName(61, name))
    described = xml(server, "data/61")
    assert texts(described, "name") == [name]
    (url,) = texts(described, "url")
    assert body(server, urlsplit(url).path) == (200, IRIS.arff)
    assert name in texts(xml(server, "data/list"), "name")


def test_a_fault_that_cannot_be_met_is_the_test_s_own_error(server):
    with pytest.raises(LookupError, match="no dataset 9"):
        server.misbehave("*", WrongChecksum(9))
    with pytest.raises(ValueError, match="do not hold"):
        GzipBomb(10)


def test_a_redirect_leads_to_another_host(server):
    with LoopbackServer(Catalogue().with_dataset(replace(OWN, id=61))) as other:
        server.misbehave("*/download/*", Redirect(other.origin))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{server.origin}/data/v1/download/61/iris.arff") as answer:
            assert answer.read() == OWN.arff
        assert other.requests == ["GET /data/v1/download/61/iris.arff"]


def test_a_gzip_bomb_is_a_valid_file_of_the_size_that_was_asked_for(server):
    size = (1 << 24) + 12345
    server.misbehave("*.arff", GzipBomb(size))
    answer, connection = get(server, "/data/v1/download/61/iris.arff")
    packed = answer.read()
    connection.close()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(packed) < size / 500
    unpacked = gzip.decompress(packed)
    assert len(unpacked) == size
    (row,) = (line for line in unpacked.splitlines() if line.endswith(b"',x"))
    assert set(row[:-2]) == set(b"'a")


def test_a_gzip_bomb_of_gigabytes_is_small_on_the_wire_and_in_memory():
    class Counted:
        sent = 0

        def begin(self, status, headers, length):
            self.announced = length
            return True

        def send(self, content):
            self.sent += len(content)

    wire = Counted()
    tracemalloc.start()
    GzipBomb(5 << 30).perform(wire, None, "")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert wire.sent == wire.announced < 10 << 20
    assert peak < 16 << 20


def test_the_client_meets_the_faults(server, tmp_path):
    """What the real client makes of each: a source that stands on it must cope with all of these."""
    server.misbehave("*/data/3", Busy(times=1))
    server.misbehave("*/data/features/62", ServerError(times=1))
    server.misbehave("*", WrongChecksum(561))
    server.misbehave("*/Titanic.arff", CutBody())
    server.misbehave("*/data/42585", HtmlPage())
    answers = ask(
        server,
        tmp_path,
        {
            "busy": "get_dataset(3).name",
            "error": "len(get_dataset(62, download_features_meta_data=True).features)",
            "checksum": "cells(561)",
            "cut": "cells(40945)",
            "page": "get_dataset(42585).name",
        },
        retries=2,
    )
    assert (answers["busy"], answers["error"]) == ("kr-vs-kp", 18)
    assert answers["checksum"].startswith("OpenMLHashException: Checksum of downloaded file is unequal")
    assert "IncompleteRead" in answers["cut"]
    assert "malformed" in answers["page"]
    assert server.requests.count("GET /data/v1/download/52739/cpu.arff") == 2


def test_the_client_reads_tables_and_splits_under_hostile_names(tmp_path):
    tables = [replace(OWN, id=i, name=name) for i, name in enumerate(HOSTILE_NAMES, 1)]
    tasks = [ten_fold_task(100 + table.id, table) for table in tables]
    catalogue = Catalogue(
        tuple(tables), tuple(tasks), (ServedSuite(1, "hostile", "<b>", (101, 102, 103, 104)),)
    )
    with LoopbackServer(catalogue) as running:
        steps = {
            f"{task.id}": f"[get_task({task.id}).get_dataset().name, len(folds({task.id}))]" for task in tasks
        }
        answers = ask(running, tmp_path / "cache", {**steps, "suite": "get_suite('hostile').tasks"})
    assert answers == {f"{task.id}": [name, 10] for task, name in zip(tasks, HOSTILE_NAMES, strict=True)} | {
        "suite": [101, 102, 103, 104]
    }
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


OML = "xmlns:oml='http://openml.org/openml'"
FLOW = (
    f"<oml:flow {OML}><oml:name>a.b(c=1)</oml:name><oml:external_version>1</oml:external_version>"
    "<oml:description>d</oml:description><oml:parameter><oml:name>p</oml:name></oml:parameter></oml:flow>"
)
RUN = (
    f"<oml:run {OML}><oml:task_id>59</oml:task_id><oml:flow_id>7001</oml:flow_id><oml:parameter_setting>"
    "<oml:name>p</oml:name><oml:value>1</oml:value></oml:parameter_setting></oml:run>"
)
ARFF = "@relation r\n@attribute row_id numeric\n@data\n0\n"
NOT_TAKEN = {
    "no key": (102, {"key": None}),
    "another key": (103, {"key": "1" * 32}),
    "a space in a name": (163, {"flow": FLOW.replace("a.b", "a b")}),
    "elements in another order": (
        163, {"flow": FLOW.replace("<oml:description>d</oml:description>", "").replace(
            "</oml:flow>", "<oml:description>d</oml:description></oml:flow>")},
    ),
    "a flow twice": (171, {"flow": (FLOW, FLOW)}),
    "no task number": (202, {"run": RUN.replace("59", "iris")}),
    "letters beyond ASCII in a value": (202, {"run": RUN.replace(">1<", ">\u00e9<")}),
    "no such task": (204, {"run": RUN.replace("59", "58")}),
    "no such flow": (205, {"run": RUN.replace("7001", "7002")}),
    "no predictions": (206, {"arff": None}),
    "predictions that are no table": (209, {"arff": ARFF + "1,2\n"}),
    "a parameter that the flow has not": (213, {"run": RUN.replace(">p<", ">q<")}),
}  # fmt: skip


@pytest.mark.parametrize("case", [None, *NOT_TAKEN])
def test_what_is_sent_is_taken_only_as_openml_takes_it(case):
    code, changes = NOT_TAKEN.get(case, (None, {}))
    sent = {"key": "0" * 32, "flow": FLOW, "run": RUN, "arff": ARFF} | changes
    flows = sent["flow"] if isinstance(sent["flow"], tuple) else (sent["flow"],)
    parts = {"predictions": ("predictions.arff", sent["arff"])} if sent["arff"] else {}
    form = {"api_key": sent["key"]} if sent["key"] else {}
    posts = [("flow/", {"description": flow}) for flow in flows]
    posts.append(("run/", {"description": ("description.xml", sent["run"]), **parts}))
    with LoopbackServer(OFFICIAL) as server, requests.Session() as session:
        session.trust_env = False  # no proxy is asked for 127.0.0.1
        answers = [session.post(f"{server.url}/{path}", data=form, files=files) for path, files in posts]
        refused = [re.search(r"code>(\d+)<", a.text)[1] for a in answers if a.status_code == 412]
        assert refused[:1] == ([] if code is None else [str(code)])
        assert len(server.runs) == (code in (None, 171))
        if code is None:
            assert server.runs[0].settings == {"p": "1"}
            assert server.runs[0].predictions == ARFF.encode()
