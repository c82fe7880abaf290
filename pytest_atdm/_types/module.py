"""The text of the module."""

from __future__ import annotations

import keyword
import unicodedata
from typing import TYPE_CHECKING, Final

from pytest_atdm._data import AtdmData, Row
from pytest_atdm._types.annotations import BASE, Annotations
from pytest_atdm._types.shapes import find_shapes, is_many
from pytest_atdm.emit.literals import INDENT, LINE_LENGTH, Layout, quote, write_prose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm._types.shapes import Rows, Shapes
    from pytest_atdm.core.catalog import Catalog, Scenario
    from pytest_atdm.core.schema import Schema

#: How the module begins; a file that begins otherwise was written by somebody else.
FIRST_LINE: Final = '"""The scenarios of the catalog as types, written by ``atdm types``: do not edit.\n'

_HEAD: Final = f'''\
{FIRST_LINE}
A test names the class of its scenario: ``def test_it(atdm_data: SomeScenario)``. They
are for annotations only; nothing is an instance of them. What cannot be written as an
attribute is typed by item: ``row["class"]``.
"""

from __future__ import annotations
'''
_BASE: Final = f'''\
class {BASE}(Protocol):
    """What atdm_data offers in every scenario."""

    @property
    def facts(self) -> Facts:
        """Where the rows come from."""
        raise NotImplementedError

    def rows(self, entity: str) -> tuple[Row, ...]:
        """Return the rows of the entity as a tuple, also where it has only one."""
        raise NotImplementedError

    def __getitem__(self, entity: str, /) -> Any: ...
    def __contains__(self, entity: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
'''
_OVERRIDES: Final = "**overrides: object"


def render_types_module(catalog: Catalog, schema: Schema) -> str:
    """Return the module's source for all scenarios of *catalog* on a database of this *schema*.

    Equal arguments give equal text, sorted by name, and ``ruff format`` leaves it as it is.

    Raises:
        CatalogError: a fault in a file of the catalog.
        SchemaMismatch: a scenario or rule names a table or column that the database lacks.
    """
    shapes = find_shapes(catalog, schema)
    annotations = Annotations(shapes)
    enums = [_render_enum(enum, shapes, annotations) for enum in annotations.enums]
    classes = [
        *(_render_rows(rows, shapes, annotations) for rows in annotations.rows),
        _render_base(annotations),
        *(_render_scenario(scenario, shapes, annotations) for scenario in shapes.scenarios),
    ]
    head = "\n\n".join((f"{_HEAD}\n{annotations.render_imports()}", *enums))
    return "\n\n\n".join((head, *classes)) + "\n"


def _render_enum(enum: str, shapes: Shapes, annotations: Annotations) -> str:
    annotations.use("Literal")
    name = annotations.enums[enum]
    labels = [("", label) for label in shapes.schema.enums[enum]]
    return f"{name} = {Layout().wrap('Literal[', labels, ']', 0, len(name) + 3)}"


def _render_rows(rows: Rows, shapes: Shapes, annotations: Annotations) -> str:
    annotations.use("Any", "Mapping", "dataclass")
    table = shapes.schema.tables[rows.table]
    columns = {name: annotations.write_column(table, table.column_by_name[name]) for name in rows.columns}
    part = "" if shapes.is_whole(rows) else ", as the catalog has it"
    body = list(_render_names(columns, Row, "column", annotations))
    if not all(_is_attribute(name, Row) for name in columns):
        body[-1] += _write_end_of_overloads(annotations)
    return _write_class(
        f"@dataclass(frozen=True, init=False, eq=False)\nclass {annotations.rows[rows]}(Mapping[str, Any]):",
        write_prose(f"A row of the table {rows.table}{part}.", 1),
        body,
    )


def _write_end_of_overloads(annotations: Annotations) -> str:
    """Return the function that overloads need in a class which is no protocol."""
    text, any = annotations.word("str"), annotations.word("Any")
    return f"\n{INDENT}def __getitem__(self, column: {text}, /) -> {any}:\n{INDENT * 2}raise NotImplementedError"


def _render_base(annotations: Annotations) -> str:
    annotations.use("Any", "Facts", "Iterator", "Protocol", "Row")
    names = annotations.scenarios
    stubs = [
        *(_write_stub("request", f"name: Literal[{quote(id)}]", name, _OVERRIDES) for id, name in names.items()),
        _write_stub("request", "name: str", "Any", _OVERRIDES),
    ]
    if names:
        annotations.use("Literal", "overload")
    return f"{_BASE}\n{_overload(stubs, 'overload') if names else stubs[0]}"


def _render_scenario(scenario: Scenario, shapes: Shapes, annotations: Annotations) -> str:
    annotations.use("Protocol")
    entities = {
        name: annotations.write_entity(shapes.rows[scenario.id, name], many=is_many(entity))
        for name, entity in sorted(scenario.entities.items())
    }
    return _write_class(
        f"class {annotations.scenarios[scenario.id]}({BASE}, Protocol):",
        _write_title(scenario),
        list(_render_names(entities, AtdmData, "entity", annotations)),
    )


def _render_names(kinds: dict[str, str], owner: type, word: str, annotations: Annotations) -> Iterator[str]:
    """Yield one paragraph of attributes, and one of overloads for what an attribute of *owner* cannot be."""
    lines = [_write_attribute(name, text) for name, text in kinds.items() if _is_attribute(name, owner)]
    items = [(name, text) for name, text in kinds.items() if not _is_attribute(name, owner)]
    if lines:
        yield "\n".join(lines)
    if items:
        literal, text, any = (annotations.word(name) for name in ("Literal", "str", "Any"))
        stubs = [_write_stub("__getitem__", f"{word}: {literal}[{quote(name)}]", kind) for name, kind in items]
        stubs.append(_write_stub("__getitem__", f"{word}: {text}", any))
        yield _overload(stubs, annotations.word("overload"))


def _is_attribute(name: str, owner: type) -> bool:
    """Return whether source text can say ``x.name``, and nothing of *owner* stands before what it has by that name."""
    is_word = name.isidentifier() and not keyword.iskeyword(name) and name == unicodedata.normalize("NFKC", name)
    return is_word and not name.startswith("__") and not any(name in vars(base) for base in owner.__mro__)


def _write_title(scenario: Scenario) -> str:
    line, title = (write_prose(text, 1) for text in (f"The scenario {scenario.id}.", scenario.title))
    return f"{line}\n\n{INDENT}{title}\n{INDENT}" if title else line


def _write_class(head: str, docstring: str, body: Sequence[str]) -> str:
    return "\n\n".join((f'{head}\n{INDENT}"""{docstring}"""', *body))


def _write_attribute(name: str, annotation: str) -> str:
    line = f"{INDENT}{name}: {annotation}"
    if len(line) <= LINE_LENGTH or " | " not in annotation:
        return line
    return f"{INDENT}{name}: (\n{INDENT * 2}{annotation}\n{INDENT})"


def _write_stub(name: str, parameter: str, returns: str, *more: str) -> str:
    parameters = ["self", parameter, "/", *more]
    line = f"{INDENT}def {name}({', '.join(parameters)}) -> {returns}: ..."
    if len(line) <= LINE_LENGTH:
        return line
    tall = "".join(f"{INDENT * 2}{one},\n" for one in parameters)
    return f"{INDENT}def {name}(\n{tall}{INDENT}) -> {returns}: ..."


def _overload(stubs: Sequence[str], word: str) -> str:
    return "\n".join(f"{INDENT}@{word}\n{stub}" for stub in stubs)
