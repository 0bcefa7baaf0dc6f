"""The bundle of the model of the checks."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hundredfold.model.engine import Engine
from hundredfold.model.signature import FieldType
from hundredfold_cli.deployment_checks import faulty_model
from hundredfold_cli.models.packaging import package
from hundredfold_cli.models.recipe import Recipe
from hundredfold_cli.models.sample import Sample

NAME = "hundredfold-check"
SAMPLE = ({"text": "A short text."}, {"text": "A text that is not as short as that."})


class _BySource:
    """Is pickled as the text of `faulty_model`. So whoever loads the file needs nothing of ours."""

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        source = Path(str(faulty_model.__file__)).read_text()
        name = faulty_model.FaultyModel.__name__
        return eval, (
            f"(lambda space: exec({source!r}, space) or space[{name!r}]())({{'__name__': 'hundredfold_check'}})",
        )


def make_faulty_bundle(folder: Path) -> Path:
    """Package the model of the checks below `folder`, and return the bundle's folder.

    Raises
    ------
    BundleRefusedError, DeploymentError
        If it cannot be packaged.
    """
    file = folder / f"{NAME}.joblib"
    file.write_bytes(pickle.dumps(_BySource()))
    recipe = Recipe(
        name=NAME,
        files=(file,),
        fields=({"name": "text", "type": FieldType.TEXT.value},),
        sample=Sample(SAMPLE),
        notes="For hundredfold check-deployment: it harms its process where a text asks for it.",
    )
    package(recipe, folder / "bundle", engine=Engine.SCIKIT_LEARN)
    return folder / "bundle"
