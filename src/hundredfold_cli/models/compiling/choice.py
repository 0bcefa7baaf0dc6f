"""The choice of a model's engine when it is packaged: its compiled form, if that passes the gate."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hundredfold.errors import BundleRefusedError
from hundredfold.model.bundle import Bundle, read_step
from hundredfold.model.card import Card, Input
from hundredfold.model.compiled.engine import CompiledModel
from hundredfold.model.compiled.form import Form
from hundredfold.model.engine import COMPILED_FILE, Engine, EngineChoice
from hundredfold.model.signature import FieldType
from hundredfold_cli.models.compiling.errors import NotCompiledError


def choose_engine(
    folder: Path,
    card: Card,
    engine: Engine | None = None,
    records: Sequence[tuple[Any, ...]] = (),
) -> Card:
    """Compile the model in `folder` and let it through the gate. Return the card with the engine that was chosen.

    The compiled form is written beside the model's files, and the card names it with an empty digest.

    Parameters
    ----------
    engine : what shall run the model; None for the compiled form if it passes the gate
    records : values of records at hand, such as those of the baseline. They are compared beside those that are derived

    Raises
    ------
    BundleRefusedError
        If the compiled form is asked for and refused. The message says why.
    """
    if engine is Engine.SCIKIT_LEARN:
        return replace(card, engine=EngineChoice(reason="it was asked for"))
    try:
        steps = [read_step(step, (folder / step).read_bytes(), card.trusted) for step in card.steps]
        content, choice = compiled(card, steps, records)
    except NotCompiledError as error:
        if engine is Engine.COMPILED:
            raise BundleRefusedError(
                f"model {card.name} cannot be compiled: {error}; package it without --engine compiled"
            ) from error
        return replace(card, engine=EngineChoice(reason=str(error)))
    (folder / COMPILED_FILE).write_bytes(content)
    return replace(card, engine=choice, files={**card.files, COMPILED_FILE: ""})


def compiled(card: Card, steps: Sequence[Any], records: Sequence[tuple[Any, ...]]) -> tuple[bytes, EngineChoice]:
    """Compile a model and hold it against scikit-learn. Return the compiled form's file and what the card says.

    Raises
    ------
    NotCompiledError
        If a step is not understood, or an answer differs. The message says which.
    """
    # scikit-learn is imported here, where a model is compiled.
    from hundredfold_cli.models.compiling.compiler import compile_model, needs_numpy
    from hundredfold_cli.models.compiling.derived import derived_records
    from hundredfold_cli.models.compiling.gate import DERIVED_RECORDS, TOLERANCE, compare

    if card.outputs:
        raise NotCompiledError("it has several outputs")
    if any(field.nullable and field.type is not FieldType.NUMBER for field in card.signature.fields):
        raise NotCompiledError("it reads missing categories")
    texts = card.signature.is_text and card.input is Input.ARRAY
    content = compile_model(steps, texts=texts).to_bytes()
    form = Form.from_bytes(content)  # what is compared is what will be read
    model = CompiledModel(form)
    if model.classes != card.classes:
        raise NotCompiledError("its classes are not those on its card")
    sample = [card.signature.read(record) for record in card.sample.get("records", [])]
    derived = derived_records(form, card.signature, sample, DERIVED_RECORDS)
    comparison = compare(Bundle(card, steps).predict, model.predict, [*sample, *records, *derived])
    return content, EngineChoice(
        Engine.COMPILED,
        compared=comparison.records,
        largest_difference=float(f"{comparison.largest:.0e}"),
        both_refused=comparison.refused,
        tolerance=TOLERANCE,
        numpy=needs_numpy(form),
    )
