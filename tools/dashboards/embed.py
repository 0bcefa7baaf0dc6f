"""Copies the dashboards' bodies into the template, between their markers.

CloudFormation takes a body as text in the template, and includes files only from S3. So `infra/dashboards/*.json` are
edited, `make dashboards` runs this, and a test fails while the template has other text.
"""

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "infra/dashboards"
TEMPLATE = FOLDER.parent / "template.yaml"
NAMES = ("business", "engineer", "stream")

_NUMBER = re.compile(r'"(\$\{Alarm\w+\})"')
"""A placeholder for a number. The file quotes it, since it is JSON; CloudWatch takes no text for a number."""


def body(name: str) -> str:
    """Return a dashboard's body as text for `Fn::Sub`, which replaces its `${...}` placeholders."""
    return _NUMBER.sub(r"\1", (FOLDER / f"{name}.json").read_text().rstrip("\n"))


def embed(template: str) -> str:
    """Return the template with the bodies of the files; raises ValueError if it has no markers for one of them."""
    for name in NAMES:
        before, begin, rest = template.partition(f"      # begin {name}.json\n")
        _, end, after = rest.partition(f"      # end {name}.json\n")
        if not (begin and end):
            raise ValueError(f"{TEMPLATE.name} has no markers for {name}.json")
        lines = "".join(f"        {line}\n" for line in body(name).splitlines())
        template = f"{before}{begin}      DashboardBody: !Sub |-\n{lines}{end}{after}"
    return template


if __name__ == "__main__":
    TEMPLATE.write_text(embed(TEMPLATE.read_text()))
    sys.stdout.write(f"{TEMPLATE.name} has the bodies of {' and '.join(NAMES)}\n")
