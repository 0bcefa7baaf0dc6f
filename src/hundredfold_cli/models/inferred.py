"""The signature of a model, inferred from the model and from a sample; and what a person can correct in it."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hundredfold.errors import BundleRefusedError, HundredfoldError
from hundredfold.model.bundle import arrange
from hundredfold.model.card import Input
from hundredfold.model.signature import Field, FieldType, Missing, Signature, UnfitValueError, Values
from hundredfold_cli.models.model_columns import ModelColumn, ModelColumns, columns_of, estimators

CORRECT_IT = "correct that, use --field NAME:TYPE for each field in order, --input, --nullable or --optional"
MADE_UP_RECORDS = 3

_SHOWN_NAMES = 8
_DEFAULT_TEXT = "text"


class PackageNeededError(HundredfoldError):
    """The model needs a package that this environment lacks. `package` names it."""

    def __init__(self, package: str) -> None:
        super().__init__(f"the model needs {package}")
        self.package = package


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a model's owner says of its fields. All of it is optional.

    Attributes
    ----------
    fields : the fields in order, as a signature has them; empty to infer them
    input : empty to infer it
    nullable, optional : names of fields that may be missing, or left out
    """

    fields: tuple[Mapping[str, Any], ...] = ()
    input: str = ""
    nullable: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a model reads.

    Attributes
    ----------
    notes : what was inferred, and from what, each in a sentence
    """

    signature: Signature
    input: Input
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a sample, and whether their values are converted to the signature's types."""

    records: Sequence[Mapping[str, Any]] = ()
    converts: bool = False

    def column(self, name: str) -> list[Any]:
        """Return a column's values; None where a value is missing."""
        values = (record.get(name) for record in self.records)
        return [None if self.converts and isinstance(value, str) and not value.strip() else value for value in values]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in the order in which they come."""
        return tuple(dict.fromkeys(name for record in self.records for name in record))

    def read(self, signature: Signature) -> list[Values]:
        """Return the values of the records that fit a signature."""
        if self.converts:
            signature = signature.converting()
        values = []
        for record in self.records:
            try:
                values.append(signature.read(record))
            except UnfitValueError:
                continue
        return values


def infer(steps: Sequence[Any], records: Records, wishes: Wishes) -> Inferred:
    """Find out what a model reads.

    Parameters
    ----------
    steps : the model's steps; the last one predicts

    Raises
    ------
    BundleRefusedError
        If the model and the sample do not fit together, or neither says what the model reads.
    PackageNeededError
        If the model must be tried with a package that is not installed here.
    """
    columns = columns_of(steps[0])
    notes: list[str] = []
    if wishes.fields:
        fields = [*Signature.from_dict({"fields": list(wishes.fields)}).fields]
        _check_count(columns, fields)
    else:
        names, origin = _field_names(columns, records)
        fields = [_field(name, columns, position, records, len(names)) for position, name in enumerate(names)]
        notes.append(f"{_count_of(fields, 'field')} from {origin}")
        notes.append(_types_note(columns, records))
    fields = _with_wishes(fields, wishes)
    provisional = Signature(tuple(replace(field, nullable=field.type is not FieldType.TEXT) for field in fields))
    trial = _Trial(steps, records, columns)
    signature = Signature(tuple(fields))
    input_ = Input(wishes.input) if wishes.input else trial.choose_input(signature, provisional)
    if not wishes.input and input_ is not Input.ARRAY:
        notes.append(f"input as {input_.value}, because the model was fitted on a table with named columns")
    if not wishes.fields:
        nullable, missing_notes = trial.nullable(signature, provisional, input_)
        signature = Signature(tuple(nullable))
        notes += missing_notes
    return Inferred(signature, input_, tuple(notes))


def made_up(signature: Signature, columns: ModelColumns) -> list[Values]:
    """Make up records: values that the model's encoders know, else small numbers and short texts."""
    return [
        tuple(
            _made_up_value(field, columns.column(position), number) for position, field in enumerate(signature.fields)
        )
        for number in range(MADE_UP_RECORDS)
    ]


def as_records(signature: Signature, values: Sequence[Values]) -> list[dict[str, Any]]:
    """Return values as records, by the names of their fields."""
    names = [field.name for field in signature.fields]
    return [dict(zip(names, row, strict=True)) for row in values]


def _made_up_value(field: Field, column: ModelColumn, number: int) -> str | float:
    if column.values:
        value = column.values[number % len(column.values)]
        return float(value) if field.type is FieldType.NUMBER else str(value)
    match field.type:
        case FieldType.NUMBER:
            return float(number)
        case FieldType.TEXT:
            return f"text number {number}"
        case FieldType.CATEGORY:
            return str(number)


def kept_rows(rows: Sequence[Values], count: int) -> list[Values]:
    """Choose the records that a card keeps: the first ones, and the first one with a missing value."""
    kept = list(rows[:count])
    first_missing = next(filter(_has_missing, rows[count:]), None)
    return kept if first_missing is None or any(map(_has_missing, kept)) else [*kept[:-1], first_missing]


def _has_missing(row: Values) -> bool:
    return any(value is None or (isinstance(value, float) and math.isnan(value)) for value in row)


# ---------------------------------------------------------------- names and types


def _field_names(columns: ModelColumns, records: Records) -> tuple[tuple[str, ...], str]:
    """Return the names of the fields, and where they come from."""
    sample = records.names
    if columns.names:
        if "id" in columns.names:
            raise BundleRefusedError(
                "the model was fitted on a column id, and id is the name of a record's key: rename the column, fit the "
                "model again, and keep the key out of it"
            )
        if sample and (missing := [name for name in columns.names if name not in sample]):
            raise BundleRefusedError(
                f"the sample has no column {_listed(missing)}, which the model was fitted on; its columns are "
                f"{_listed(sample)}"
            )
        return columns.names, "the columns that the model was fitted on (feature_names_in_)"
    if columns.is_text:
        return _text_name(records)
    if not sample:
        if columns.count is None:
            raise BundleRefusedError(
                "the model does not say what it reads: give records like those to be scored with --sample FILE, or "
                "name its fields in order with --field NAME:TYPE"
            )
        return tuple(f"x{number}" for number in range(columns.count)), (
            "the number of columns that the model was fitted on (n_features_in_); their names are made up"
        )
    if columns.count is not None and columns.count != len(sample):
        raise BundleRefusedError(
            f"the model was fitted on {_count_of(range(columns.count), 'column')}, and the sample has {len(sample)} "
            f"beside id ({_listed(sample)}): leave those out of the sample that the model does not read, such as the "
            "target, or name the fields in order with --field NAME:TYPE"
        )
    return sample, "the columns of the sample"


def _text_name(records: Records) -> tuple[tuple[str, ...], str]:
    texts = [name for name in records.names if any(isinstance(value, str) for value in records.column(name))]
    if len(texts) == 1:
        return (texts[0],), "the only text in the sample"
    if not texts:
        if records.names:
            raise BundleRefusedError(f"the model reads text, and the sample has none ({_listed(records.names)})")
        return (_DEFAULT_TEXT,), f"the model, which reads text; the name {_DEFAULT_TEXT} is made up"
    if _DEFAULT_TEXT in texts:
        return (_DEFAULT_TEXT,), "the sample"
    raise BundleRefusedError(
        f"the model reads one text, and the sample has several ({_listed(texts)}): name the one with "
        f"--field {texts[0]}:text"
    )


def _field(name: str, columns: ModelColumns, position: int, records: Records, count: int) -> Field:
    said = columns.column(position).type
    if columns.is_text:
        return Field(name, FieldType.TEXT)
    values = [value for value in records.column(name) if value is not None]
    if any(isinstance(value, bool) for value in values):
        raise BundleRefusedError(
            f"the field {name} of the sample is true or false, which a record cannot have: fit the model on 0 and 1, "
            "and write 0 and 1 in the records"
        )
    if any(isinstance(value, list | dict) for value in values):
        raise BundleRefusedError(f"the field {name} of the sample holds a list or an object: a field is one value")
    if said is FieldType.TEXT or (said is FieldType.CATEGORY and not values):
        return Field(name, said)
    numeric = all(_is_number(value, records.converts) for value in values)
    if said is FieldType.CATEGORY or not numeric:
        if said is FieldType.NUMBER and not numeric:
            raise BundleRefusedError(
                f"the model was fitted on numbers in {name}, and the sample has text there: give a sample with the "
                "columns that the model was fitted on, in their order"
            )
        return Field(name, FieldType.TEXT if count == 1 and columns.count is None else FieldType.CATEGORY)
    return Field(name, FieldType.NUMBER)


def _is_number(value: Any, converts: bool) -> bool:
    if isinstance(value, int | float):
        return True
    if not converts:
        return False
    try:
        float(value)
    except ValueError:
        return False
    return "_" not in value


def _types_note(columns: ModelColumns, records: Records) -> str:
    if columns.is_text:
        return "text, because the model begins with a text vectorizer"
    origins = ["the sample"] if records.records else []
    if any(column.type for column in columns.by_position.values()):
        origins.append("the model's encoders and vectorizers")
    return f"types from {' and '.join(origins)}" if origins else "numbers, because nothing says otherwise"


def _check_count(columns: ModelColumns, fields: Sequence[Field]) -> None:
    names = tuple(field.name for field in fields)
    if columns.names and columns.names != names:
        raise BundleRefusedError(
            f"the model was fitted on the columns {_listed(columns.names)}, and the signature names {_listed(names)}: "
            "name the same fields in the same order, or none to have them inferred"
        )
    if columns.count is not None and columns.count != len(fields):
        raise BundleRefusedError(
            f"the model was fitted on {_count_of(range(columns.count), 'column')}, and the signature names "
            f"{len(fields)}: name all of them in order, or none and give --sample FILE"
        )
    if columns.is_text and len(fields) != 1:
        raise BundleRefusedError(f"the model reads one text, and the signature names {len(fields)} fields")


def _with_wishes(fields: Sequence[Field], wishes: Wishes) -> list[Field]:
    names = [field.name for field in fields]
    for name in (*wishes.nullable, *wishes.optional):
        if name not in names:
            raise BundleRefusedError(f"there is no field {name} to be nullable or optional; there are {_listed(names)}")
    changed = [
        replace(
            field,
            nullable=field.nullable or field.name in {*wishes.nullable, *wishes.optional},
            optional=field.optional or field.name in wishes.optional,
        )
        for field in fields
    ]
    return list(Signature.from_dict(Signature(tuple(changed)).as_dict()).fields)  # raises if they do not fit together


# ---------------------------------------------------------------- what only a trial shows


@dataclass(frozen=True, slots=True)
class _Trial:
    """A model that is tried with a sample, or with records that are made up."""

    steps: Sequence[Any]
    records: Records
    columns: ModelColumns

    def choose_input(self, signature: Signature, provisional: Signature) -> Input:
        """Return how the model takes records: the first way in which it answers as it does for pandas' own table."""
        values = self._complete(signature) or self._values(provisional)
        candidates = self._candidates(signature)
        differs = False
        for rows in (values, values[:1]):  # the model may refuse some of the records
            for input_ in candidates:
                answers = self._predicted(rows, signature, input_)
                if answers is None:
                    continue
                if self._answers_as_pandas(answers, signature, rows, input_):
                    return input_
                differs = True
        if differs:
            raise BundleRefusedError(
                "the model answers the sample otherwise when whole numbers are floats, as those of records are, than "
                "when they are integers: make the columns floats (astype(float)) before you fit it"
            )
        return candidates[0]  # what it raises is said when it has to answer the sample

    def nullable(self, signature: Signature, provisional: Signature, input_: Input) -> tuple[list[Field], list[str]]:
        """Return the fields, nullable where the model answers a record without the value and has a reason to."""
        base = (self._complete(signature) or self._values(provisional) or [()])[0]
        fields, refused = [], []
        for position, field in enumerate(signature.fields):
            column = self.columns.column(position)
            sampled = [record for record in self.records.records if not _has(record, field.name, self.records)]
            reason = bool(sampled) or column.missing is not None
            reason = reason or (column.allows_nan and field.type is FieldType.NUMBER)
            if field.type is FieldType.TEXT or field.nullable or not reason or not base:
                fields.append(field)
                continue
            missing = self._answered_missing(base, position, field, signature, input_)
            if missing is None:
                fields.append(field)
                refused += [field.name] if sampled else []
            else:
                left_out = any(field.name not in record for record in sampled)
                fields.append(replace(field, nullable=True, optional=left_out, missing=missing))
        notes = []
        nullable = [field.name for field in fields if field.nullable]
        if nullable:
            notes.append(f"missing values are allowed in {_listed(nullable)}: the model answers without them")
        if refused:
            notes.append(
                f"missing values are rejected in {_listed(refused)}: the sample has some, and the model does not "
                "answer without them"
            )
        return fields, notes

    def _answered_missing(
        self, base: Values, position: int, field: Field, signature: Signature, input_: Input
    ) -> Missing | None:
        if field.type is FieldType.NUMBER:
            ways = [Missing.NONE]
        else:
            known = self.columns.column(position).missing or _imputed(self.steps)
            ways = [known] if known else [Missing.NONE, Missing.NAN]
        for way in ways:
            value = replace(field, nullable=True, missing=way).read({field.name: None})
            row = (*base[:position], value, *base[position + 1 :])
            if self._predicted([row], signature, input_) is not None:
                return way
        return None

    def _candidates(self, signature: Signature) -> list[Input]:
        if self.columns.is_text:
            return [Input.ARRAY]
        frames = [Input.DATAFRAME, Input.CATEGORICAL]
        if not (self.columns.names or self.columns.by_name):
            return [Input.ARRAY, *frames]
        own = any(not _is_plain(step) for model in self.steps for step in estimators(model))
        if signature.is_numeric and not self.columns.by_name and not own:
            return [Input.ARRAY, *frames]
        return [*frames, Input.ARRAY]

    def _complete(self, signature: Signature) -> list[Values]:
        """Return the records of the sample in which nothing is missing."""
        strict = Signature(tuple(replace(field, nullable=False, optional=False) for field in signature.fields))
        return [
            row
            for row in self.records.read(strict)
            if not (self.records.converts and any(isinstance(value, str) and not value.strip() for value in row))
        ]

    def _values(self, signature: Signature) -> list[Values]:
        return self.records.read(signature) or made_up(signature, self.columns)

    def _predicted(self, values: Sequence[Values], signature: Signature, input_: Input) -> Any:
        """Return what the model answers, or None if it raises."""
        if input_ is not Input.ARRAY:
            _need_pandas()
        try:
            return self._predict(arrange(values, signature, input_))
        except Exception:  # noqa: BLE001, RUF100 - whatever a model raises, it does not answer
            return None

    def _predict(self, data: Any) -> Any:
        import numpy as np

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            *transformers, model = self.steps
            for transformer in transformers:
                data = transformer.transform(data)
            return np.asarray(model.predict(data))

    def _answers_as_pandas(self, answers: Any, signature: Signature, values: Sequence[Values], input_: Input) -> bool:
        """Tell whether the model answers as it does for the table as pandas reads it: whole numbers are integers."""
        if input_ is Input.ARRAY or not self.columns.names:
            return True
        import numpy as np
        import pandas as pd

        table = pd.DataFrame(as_records(signature, values))
        for field in signature.fields:
            column = table[field.name]
            if field.type is FieldType.NUMBER and column.notna().all() and (column % 1 == 0).all():
                table[field.name] = column.astype("int64")
            elif field.type is not FieldType.NUMBER and input_ is Input.CATEGORICAL:
                table[field.name] = column.astype("category")
        try:
            expected = self._predict(table)
        except Exception:  # noqa: BLE001, RUF100 - it does not take integers
            return True
        if expected.shape != answers.shape:
            return False
        same = expected == answers
        if np.issubdtype(expected.dtype, np.number):
            same = np.isclose(expected.astype(float), answers.astype(float), equal_nan=True)
        return bool(np.all(same))


def _has(record: Mapping[str, Any], name: str, records: Records) -> bool:
    value = record.get(name)
    return value is not None and not (records.converts and isinstance(value, str) and not value.strip())


def _imputed(steps: Sequence[Any]) -> Missing | None:
    """Return what a SimpleImputer in the model takes for a missing value; None if there is none."""
    for model in steps:
        for step in estimators(model):
            if type(step).__name__ == "SimpleImputer":
                return Missing.NONE if step.missing_values is None else Missing.NAN
    return None


def _is_plain(step: Any) -> bool:
    """Tell whether a step is scikit-learn's own and calls no function of somebody else."""
    module = type(step).__module__.partition(".")[0]
    return isinstance(step, str) or (
        module in {"sklearn", "lightgbm", "xgboost"} and getattr(step, "func", None) is None
    )


def _need_pandas() -> None:
    try:
        import pandas  # noqa: F401, ICN001, RUF100 - only tried
    except ModuleNotFoundError:
        raise PackageNeededError("pandas") from None


def _count_of(items: Sequence[Any], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    shown = ", ".join(map(str, names[:_SHOWN_NAMES]))
    return f"{shown} and {more} more" if more > 0 else shown
