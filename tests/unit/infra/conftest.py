"""The project's template, read once."""

import pytest

from tools.workflow.template import Template


@pytest.fixture(scope="session")
def template() -> Template:
    return Template.read()
