"""The format of a catalog's files, as pydantic models; everything not named here is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from pytest_atdm.core.errors import CatalogError

if TYPE_CHECKING:
    from pytest_atdm.core.catalog.yaml_reader import Document

#: What a domain says of a table: rows that stand in the database are used and none is made; or no plan has its rows.
UseKind = Literal["reference", "untouched"]
ParameterType = Literal["integer", "number", "text", "boolean", "date"]
Scalar = None | bool | int | float | str
#: Names that formulas, promises and Python keywords can carry; ``__`` separates entity and column in overrides.
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z](_?[A-Za-z0-9])*$")]
Text = Annotated[str, Field(min_length=1)]


def _refuse_null(value: JsonValue) -> JsonValue:
    if value is None:
        raise ValueError("null is not drawn: leave it out")
    return value


NoNull = Annotated[JsonValue, AfterValidator(_refuse_null)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ParameterFile(_File):
    """A typed knob of a scenario; *minimum* and *maximum* are inclusive, dates are ISO-8601 text."""

    type: ParameterType
    default: Scalar
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    choices: list[Scalar] | None = None


class ScenarioFile(_File):
    """``scenarios/<id>.yaml`` and ``mixins/<id>.yaml``."""

    title: str = ""
    intent: str = ""
    examples: list[str] = []
    requirements: list[str] = []
    extends: str | None = None
    mixins: list[str] = []
    parameters: dict[Identifier, ParameterFile] = {}
    entities: dict[Identifier, dict[str, JsonValue]] = {}
    promises: list[str] = []
    expects: str = ""


class RuleFile(_File):
    """One rule over the rows of *table*: a Postgres boolean expression, and what to do when it does not hold."""

    id: str
    table: str
    rule: str
    fix: str


class RulesFile(_File):
    """The rules of a domain by the validator that judges them."""

    temporal: list[RuleFile] = []
    synthetic: list[RuleFile] = []
    values: list[RuleFile] = []


class ColumnFile(_File):
    """What draws the values of a column: exactly one of these; *locale* goes with *mimesis*."""

    values: Annotated[list[NoNull], Field(min_length=1)] | None = None
    pattern: Text | None = None
    mimesis: Text | None = None
    locale: str | None = None
    reference: Text | None = None


class VirtualReferenceFile(_File):
    """*columns* of *table* refer to rows, without a foreign key.

    To *to_columns* of the table *to*, its primary key unless told; or to the ``table.column`` in *to* that stands under
    the value of the column *by*.
    """

    table: Text
    columns: Annotated[list[Text], Field(min_length=1)]
    to: Text | Annotated[dict[str, Text], Field(min_length=1)]
    to_columns: Annotated[list[Text], Field(min_length=1)] | None = None
    by: Text | None = None


class DomainFile(_File):
    """``domain.yaml``."""

    title: str
    rules: RulesFile = RulesFile()
    columns: dict[str, ColumnFile] = {}
    tables: dict[str, UseKind] = {}
    references: list[VirtualReferenceFile] = []
    masks: dict[str, JsonValue] = {}


class RequirementFile(_File):
    """One entry of ``requirements.yaml``."""

    id: str
    title: str


class ReferenceFile(_File):
    """``reference/<name>.yaml``: rows that every database of the domain has, identified by *key*."""

    table: str
    key: Annotated[list[str], Field(min_length=1)]
    rows: list[dict[str, JsonValue]]


Model = TypeVar("Model")


def parse_file(document: Document, model: type[Model]) -> Model:
    """Return *document* as *model*.

    Raises:
        CatalogError: every fault with its file and line.
    """
    try:
        return TypeAdapter(model).validate_python(document.value if document.value is not None else {})
    except ValidationError as exc:
        faults = [f"{document.source(error['loc'])}: {_name(error['loc'])}{error['msg']}" for error in exc.errors()]
        raise CatalogError("\n".join(faults), hint="mend these lines; the format is in the catalog reference") from exc


def _name(location: tuple[str | int, ...]) -> str:
    words = [str(part) for part in location]
    return f'"{".".join(words)}": ' if words else ""
