"""The rows of a request as a Python module: frozen dataclasses, one constant, one pytest fixture.

The module imports pytest and the standard library only, so it works where ATDM is not installed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pytest_atdm.core.types import PYTHON_CLASSES
from pytest_atdm.emit.bundle import write_atomically
from pytest_atdm.emit.literals import Call, Layout, write_prose
from pytest_atdm.emit.names import name_uniquely, to_class_name, to_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pytest_atdm.emit.bundle import FixtureBundle, FixtureColumn, FixtureEntity

#: Names that the module itself uses: no class of an entity may hide them.
RESERVED_CLASSES: Final = frozenset(
    {
        "Any",
        "DATA",
        "Data",
        "Decimal",
        "FORMAT",
        "Final",
        "REQUEST",
        "Request",
        "UUID",
        "dataclass",
        "datetime",
        "pytest",
    }
)

#: Names that annotations use: no attribute may hide them.
RESERVED_ATTRIBUTES: Final = frozenset(
    {"Any", "Decimal", "UUID", "bool", "bytes", "datetime", "float", "int", "object", "self", "str", "tuple"}
)

_REQUEST_FIELDS: Final = (
    ("scenario", "str"),
    ("request_id", "str"),
    ("run_id", "str"),
    ("as_of", "datetime.date"),
    ("plan_hash", "str"),
    ("expects", "str"),
    ("requirements", "tuple[str, ...]"),
)


class PytestModule:
    """Writes ``atdm_<scenario>.py``, format 1 of ``docs/reference/fixture-format.md``."""

    name = "pytest"

    def emit(self, bundle: FixtureBundle, folder: Path) -> Path:
        """Write the file into *folder* and return its path."""
        path = folder / f"atdm_{to_identifier(bundle.scenario)}.py"
        return write_atomically(path, render_pytest_module(bundle))


def render_pytest_module(bundle: FixtureBundle) -> str:
    """Return the module's source: equal bundles give equal text, and ``ruff format`` leaves it as it is."""
    fixture = f"atdm_{to_identifier(bundle.scenario)}"
    classes = name_uniquely(bundle.entities, to_class_name, RESERVED_CLASSES | {fixture})
    layout = Layout(imports={"dataclass", "datetime"})
    blocks = [
        _render_class("Request", "Where the rows come from.", _REQUEST_FIELDS),
        *(_render_row_class(classes[name], entity, layout) for name, entity in bundle.entities.items()),
        _render_data_class(bundle.entities, classes),
        _render_constants(bundle, classes, layout),
        _render_fixture(fixture),
    ]
    return "\n\n\n".join((_render_head(bundle, layout.imports), *blocks))


def _render_head(bundle: FixtureBundle, imports: set[str]) -> str:
    requirements = ", ".join(bundle.requirements)
    facts = [f"Intent: {bundle.intent}", f"Expects: {bundle.expects}", f"Requirements: {requirements or 'none'}"]
    origin = f"Request {bundle.request_id} of run {bundle.run_id}, as of {bundle.as_of}."
    title = f"Rows of the scenario {write_prose(bundle.scenario)}, fixture format {bundle.format}."
    prose = "\n".join(write_prose(text) for text in (*facts, origin))
    lines = [
        f'"""{title}\n\n{prose}\n"""\n',
        "from __future__ import annotations\n",
        *sorted(_import_lines(imports), key=lambda line: line.startswith("from")),
        "\nimport pytest\n",
        f"FORMAT: Final = {bundle.format}",
    ]
    return "\n".join(lines)


def _import_lines(imports: set[str]) -> Iterator[str]:
    yield "import datetime"
    yield "from dataclasses import dataclass"
    if "Decimal" in imports:
        yield "from decimal import Decimal"
    yield f"from typing import {'Any, ' if 'Any' in imports else ''}Final"
    if "UUID" in imports:
        yield "from uuid import UUID"


def _render_class(name: str, meaning: str, fields: Iterable[tuple[str, str]]) -> str:
    lines = [f"    {field}: {annotation}" for field, annotation in fields]
    body = "\n".join((f'    """{meaning}"""', *([""] if lines else []), *lines))
    return f"@dataclass(frozen=True, slots=True, kw_only=True)\nclass {name}:\n{body}"


def _render_row_class(name: str, entity: FixtureEntity, layout: Layout) -> str:
    fields = [(field, _annotate(column, entity, layout)) for column, field in _name_fields(entity)]
    return _render_class(name, write_prose(f"A row of the table {entity.table}."), fields)


def _render_data_class(entities: Mapping[str, FixtureEntity], classes: Mapping[str, str]) -> str:
    kinds = {name: f"tuple[{classes[name]}, ...]" if entities[name].many else classes[name] for name in entities}
    fields = _name_entities(classes)
    return _render_class("Data", "The entities of the scenario.", [(fields[name], kinds[name]) for name in entities])


def _name_fields(entity: FixtureEntity) -> list[tuple[FixtureColumn, str]]:
    names = name_uniquely((column.name for column in entity.columns), to_identifier, RESERVED_ATTRIBUTES)
    return [(column, names[column.name]) for column in entity.columns]


def _name_entities(classes: Mapping[str, str]) -> Mapping[str, str]:
    return name_uniquely(classes, to_identifier, RESERVED_ATTRIBUTES | set(classes.values()))


def _annotate(column: FixtureColumn, entity: FixtureEntity, layout: Layout) -> str:
    values = [row[column.name] for row in entity.rows]
    kinds = {_annotate_class(type(value)) for value in values if value is not None}
    names = sorted(kinds or {_annotate_type(column.type)})
    layout.imports.update(name.partition(".")[0] for name in names)
    return " | ".join(names + ["None"] * (column.nullable or None in values))


def _annotate_type(name: str) -> str:
    return "Any" if name.endswith("[]") else _annotate_class(PYTHON_CLASSES.get(name, str))


def _annotate_class(kind: type) -> str:
    if kind in (dict, list, tuple, object):
        return "Any"
    if kind.__module__ == "datetime":
        return f"datetime.{kind.__name__}"
    return kind.__name__ if kind in (bool, int, float, bytes, Decimal, UUID) else "str"


def _render_constants(bundle: FixtureBundle, classes: Mapping[str, str], layout: Layout) -> str:
    request = [(f"{field}=", getattr(bundle, field)) for field, _ in _REQUEST_FIELDS]
    fields = _name_entities(classes)
    data = [(f"{fields[name]}=", _make_call(classes[name], entity)) for name, entity in bundle.entities.items()]
    return (
        f"REQUEST: Final = {layout.write(Call('Request', tuple(request)), 0, 0)}\n\n"
        f"DATA: Final = {layout.write(Call('Data', tuple(data)), 0, 0)}"
    )


def _make_call(name: str, entity: FixtureEntity) -> object:
    fields = _name_fields(entity)
    rows = tuple(Call(name, tuple((f"{field}=", row[column.name]) for column, field in fields)) for row in entity.rows)
    return rows if entity.many else rows[0]


def _render_fixture(name: str) -> str:
    meaning = "The rows of the scenario as the database returned them."
    return f'@pytest.fixture\ndef {name}() -> Data:\n    """{meaning}"""\n    return DATA\n'
