"""The page on claims: its claim file loads, and it knows every word, rule, key and verb that there is."""

from __future__ import annotations

import re
import tomllib
from itertools import chain

import pytest

from bench.claims import Unit
from bench.cli.claims import command
from bench.config import claim_schema
from bench.config.claims import load_claim
from bench.verdicts import Rule, Tag, Word

TABLES = (
    claim_schema.ClaimFile,
    claim_schema.SourceTable,
    claim_schema.SideTable,
    claim_schema.ContrastTable,
    claim_schema.ConditionTable,
    claim_schema.PermutedTable,
    claim_schema.ControlsTable,
    claim_schema.ProfileTable,
)


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs/claims.md").read_text()


@pytest.fixture(scope="module")
def blocks(page):
    return re.findall(r"```toml\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def example(blocks, tmp_path_factory):
    path = tmp_path_factory.mktemp("claims") / "axes.toml"
    path.write_text(blocks[0])
    return load_claim(str(path))


def test_the_claim_of_the_page_is_one(example):
    assert (example.id, example.unit, example.fewest) == ("OWN-1", Unit.DATASET, 8)
    assert [each.rule for each in example.contrasts] == [Rule.INTERACTION, Rule.SUPERIORITY]
    assert [each.primary for each in example.contrasts] == [True, False]


def test_the_claim_of_the_page_has_enough_tables_to_decide(example):
    assert len(example.profiles["small"].tasks) >= example.fewest


def test_the_claim_of_the_page_is_a_packaged_one_shortened(example):
    whole = load_claim("rotated-features")
    assert set(example.sides) <= set(whole.sides)
    assert example.contrasts[0] == whole.contrasts[0]
    assert example.controls.null == whole.controls.null
    small = {task.name for task in example.profiles["small"].tasks}
    assert small < {task.name for task in whole.profiles["small"].tasks}


def test_the_verdict_of_the_page_is_on_its_claim_as_it_stands(example, page):
    assert f"\n  claim {example.hash}, " in page


def test_the_other_blocks_are_contrasts(blocks):
    tables = chain.from_iterable(tomllib.loads(block)["contrasts"] for block in blocks[1:])
    assert [claim_schema.ContrastTable.model_validate(table).counts for table in tables] == [True]


def test_the_page_knows_every_key_of_a_claim_file(page):
    keys = {name for table in TABLES for name in table.model_fields}
    assert {key for key in keys if not re.search(rf"`{key}`|\b{key} =|\[\[?{key}\b", page)} == set()


@pytest.mark.parametrize("name", [*Word, *Tag, *(f"`{rule}`" for rule in Rule)])
def test_the_page_knows_every_word_and_every_rule(page, name):
    assert name in page


def test_the_page_knows_every_verb_and_its_options(page):
    told = page[page.index("## Commands") :]
    for name, verb in command.commands.items():
        assert f"`bench claims {name}" in told
        options = {option for each in verb.params for option in each.opts if option.startswith("--")}
        assert {option for option in options - {"--cache", "--help", "--jobs"} if option not in told} == set()
