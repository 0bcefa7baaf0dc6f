"""Puts the dashboards' bodies into the template, between their markers: CloudFormation takes them only as text there.

`business.json` and `engineer.json` are what is edited; `make dashboards` runs this, and a test holds the two against
each other.
"""

import json
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "infra/dashboards"
TEMPLATE = FOLDER.parent / "template.yaml"
NAMES = ("business", "engineer")


def embedded(name: str) -> str:
    """Return a dashboard's body as the template holds it: one widget a line, `${...}` left to `Fn::Sub`."""
    body = json.loads((FOLDER / f"{name}.json").read_text())
    widgets = ",\n".join(json.dumps(widget, separators=(",", ":")) for widget in body.pop("widgets"))
    rest = json.dumps(body, separators=(",", ":"))[1:-1]
    return f'{{{rest},"widgets":[\n{widgets}\n]}}'


def embed(template: str) -> str:
    """Return the template with the bodies put in."""
    for name in NAMES:
        lines = "\n".join(f"        {line}" for line in embedded(name).splitlines())
        marked = re.compile(rf"( +# begin {name}.json[^\n]*\n[^\n]*\n).*?(\n +# end {name}.json)", re.DOTALL)
        if not marked.search(template):
            raise SystemExit(f"{TEMPLATE} has no markers for {name}.json")
        template = marked.sub(rf"\g<1>{lines.replace('\\', r'\\')}\g<2>", template)
    return template


if __name__ == "__main__":
    TEMPLATE.write_text(embed(TEMPLATE.read_text()))
    sys.stdout.write(f"the bodies of {' and '.join(NAMES)} are in {TEMPLATE.name}\n")
