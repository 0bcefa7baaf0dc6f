"""The template's parameters: an interface, whose names the console groups and the docs use."""

import re
import tomllib
from pathlib import Path

import pytest

from hundredfold_cli.stack.checkout import ROOT, SAM_CONFIG
from tools.workflow.template import Template

DOCS = sorted([*(ROOT / "docs").glob("**/*.md"), ROOT / "README.md", ROOT / "SECURITY.md"])


def groups(template: Template) -> list[list[str]]:
    grouped = template.metadata["AWS::CloudFormation::Interface"]["ParameterGroups"]
    return [group["Parameters"] for group in grouped]


def test_every_parameter_is_in_one_group_in_the_order_of_the_file(template: Template) -> None:
    assert [name for group in groups(template) for name in group] == list(template.parameters)


def test_every_group_has_a_name_of_its_own(template: Template) -> None:
    labels = [
        group["Label"]["default"] for group in template.metadata["AWS::CloudFormation::Interface"]["ParameterGroups"]
    ]

    assert len(set(labels)) == len(labels) > 1


def test_every_parameter_has_a_default_and_says_what_it_is_for(template: Template) -> None:
    for name, parameter in template.parameters.items():
        assert "Default" in parameter, name
        assert parameter["Description"].strip().endswith("."), name


@pytest.mark.parametrize(("unit", "word"), [("Bytes", "bytes"), ("Seconds", "seconds"), ("Days", "days"), ("MB", "MB")])
def test_the_unit_in_a_name_is_that_of_its_description(unit: str, word: str, template: Template) -> None:
    named = {name: parameter for name, parameter in template.parameters.items() if name.endswith(unit)}

    assert named
    for name, parameter in named.items():
        assert parameter["Type"] == "Number", name
        assert word in parameter["Description"], name


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_a_page_sets_only_parameters_that_exist(page: Path, template: Template) -> None:
    assert set(re.findall(r"--parameter ['\"]?(\w+)=", page.read_text())) <= set(template.parameters)


def test_the_local_target_sets_parameters_that_exist(template: Template) -> None:
    configured = tomllib.loads(SAM_CONFIG.read_text())["local"]["deploy"]["parameters"]["parameter_overrides"]

    assert {word.partition("=")[0] for word in configured} <= set(template.parameters)
