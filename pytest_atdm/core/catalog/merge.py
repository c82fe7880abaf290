"""From one scenario file and what it extends to a Scenario.

Order of precedence, lowest first: ``extends``, the mixins in their order, the file itself. Entities merge column by
column, parameters as a whole; promises and requirements add up; title, intent, examples and expectation do not descend.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, TypeVar

from pytest_atdm.core.catalog.files import ParameterFile, ScenarioFile, parse_file
from pytest_atdm.core.catalog.scenario import Entity, Formula, Given, Link, Literal, Parameter, Scenario
from pytest_atdm.core.errors import CatalogError
from pytest_atdm.core.model import Promise
from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_atdm.core.catalog.yaml_reader import Document

Item = TypeVar("Item")
RESERVED: Final = frozenset({"as_of", "index"})
_ENTITY_WORDS: Final = frozenset({"table", "count", "existing", "columns"})


def read_scenario(document: Document, *, id: str, domain: str, parent: Callable[[str, str], Scenario]) -> Scenario:
    """Return the scenario in *document*; ``parent(name, source)`` gives what it extends or mixes in.

    Raises:
        CatalogError: a fault of the file, with file and line.
    """
    file = parse_file(document, ScenarioFile)
    bases = [parent(file.extends, document.source(("extends",)))] if file.extends else []
    bases += [parent(name, document.source(("mixins", index))) for index, name in enumerate(file.mixins)]
    own = _own(document, file, id=id, domain=domain)
    for base in reversed(bases):
        own = _lay_under(base, own)
    return own


def check_scenario(scenario: Scenario, requirements: Mapping[str, str] | None) -> None:
    """Raise CatalogError where names of *scenario* clash or point to nothing.

    Any requirement will do where *requirements* is None: the domain has no list, it may stand elsewhere.
    """
    for name, parameter in scenario.parameters.items():
        if name in scenario.entities or name in RESERVED:
            other = "a built-in" if name in RESERVED else "an entity"
            raise CatalogError(
                f'{parameter.source}: parameter "{name}" has the name of {other}',
                hint="give the parameter another name",
            )
    for entity in scenario.entities.values():
        _check_links(entity, scenario)
    for requirement in scenario.requirements:
        if requirements is not None and requirement not in requirements:
            raise CatalogError(
                f'{scenario.source}: requirement "{requirement}" is not in requirements.yaml',
                hint=suggest(requirement, requirements, "requirement"),
            )


def _check_links(entity: Entity, scenario: Scenario) -> None:
    if not entity.table:
        raise CatalogError(f'{entity.source}: entity "{entity.name}" has no table', hint='add "table: ..."')
    for given in entity.given.values():
        if isinstance(given, Link) and given.entity not in scenario.entities:
            raise CatalogError(
                f'{given.source}: "${given.entity}" is not an entity of this scenario',
                hint=suggest(given.entity, scenario.entities, "entity"),
            )


def _own(document: Document, file: ScenarioFile, *, id: str, domain: str) -> Scenario:
    return Scenario(
        id=id,
        domain=domain,
        source=document.source(()),
        title=file.title,
        intent=file.intent,
        examples=tuple(file.examples),
        requirements=tuple(file.requirements),
        parameters={
            name: _parameter(name, value, document.source(("parameters", name)))
            for name, value in file.parameters.items()
        },
        entities={name: _entity(document, name, body) for name, body in file.entities.items()},
        promises=tuple(
            Promise(expression=text, source=document.source(("promises", index)))
            for index, text in enumerate(file.promises)
        ),
        expects=file.expects,
    )


def _parameter(name: str, file: ParameterFile, source: str) -> Parameter:
    return Parameter(
        name=name,
        type=file.type,
        default=file.default,
        minimum=file.minimum,
        maximum=file.maximum,
        choices=None if file.choices is None else tuple(file.choices),
        source=source,
    )


def _entity(document: Document, name: str, body: Mapping[str, object]) -> Entity:
    path = ("entities", name)
    escaped = body.get("columns") or {}
    if not isinstance(escaped, dict) or not isinstance(body.get("table", ""), str):
        raise CatalogError(
            f'{document.source(path)}: entity "{name}": "columns" is a mapping and "table" a name',
            hint="see the catalog reference for the format of an entity",
        )
    given = {key: _given(body[key], document.source((*path, key))) for key in body if key not in _ENTITY_WORDS}
    given |= {key: _given(value, document.source((*path, "columns", key))) for key, value in escaped.items()}
    return Entity(
        name=name,
        table=str(body.get("table", "")),
        source=document.source(path),
        count=_count(body.get("count"), document.source((*path, "count"))),
        existing=_existing(body.get("existing"), document.source((*path, "existing"))),
        given=given,
    )


def _given(value: object, source: str) -> Given:
    if isinstance(value, str) and value.startswith("$"):
        return Link(value[1:], source)
    if isinstance(value, str) and value.startswith("="):
        return Formula(value[1:].strip(), source)
    return Literal(value, source)


def _count(value: object, source: str) -> Literal | Formula | None:
    if value is None:
        return None
    given = _given(value, source)
    if isinstance(given, Formula) or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return given if not isinstance(given, Link) else None
    raise CatalogError(f"{source}: count is {value!r}", hint='write a number from 0, or "= parameter"')


def _existing(value: object, source: str) -> dict[str, Literal] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not value:
        raise CatalogError(f"{source}: existing is {value!r}", hint="write the key of a reference row: {code: ...}")
    return {str(name): Literal(part, source) for name, part in value.items()}


def _lay_under(base: Scenario, own: Scenario) -> Scenario:
    entities = dict(base.entities)
    for name, entity in own.entities.items():
        entities[name] = _lay_entity_under(entities[name], entity) if name in entities else entity
    return dataclasses.replace(
        own,
        parameters={**base.parameters, **own.parameters},
        entities=entities,
        promises=_add_up(base.promises, own.promises),
        requirements=_add_up(base.requirements, own.requirements),
    )


def _lay_entity_under(base: Entity, own: Entity) -> Entity:
    return dataclasses.replace(
        own,
        table=own.table or base.table,
        count=own.count if own.count is not None else base.count,
        existing=own.existing if own.existing is not None else base.existing,
        given={**base.given, **own.given},
    )


def _add_up(first: tuple[Item, ...], second: tuple[Item, ...]) -> tuple[Item, ...]:
    return first + tuple(item for item in second if item not in first)
