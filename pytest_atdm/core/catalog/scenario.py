"""A scenario with everything it extends merged in, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from pytest_atdm.core.catalog.files import ParameterType
from pytest_atdm.core.model import Cell, Promise

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it stands; *source* is ``file:line`` or ``override``."""

    value: object
    source: str


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression over as_of, index, parameters, own columns and columns of other entities."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Link:
    """A relation to the entity with this name."""

    entity: str
    source: str


Given: TypeAlias = "Literal | Formula | Link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A typed knob with its limits; *minimum* and *maximum* are inclusive."""

    name: str
    type: ParameterType
    default: Cell
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    choices: tuple[Cell, ...] | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One named part of a situation.

    *count* is None for one row; otherwise a number or a formula of parameters. *existing* holds the key of a reference
    row of the catalog that is referred to instead of planned. *given* maps column or relation to what the files say.
    """

    name: str
    table: str
    source: str
    count: Literal | Formula | None = None
    existing: Mapping[str, Literal] | None = None
    given: Mapping[str, Given] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named situation, ready to plan."""

    id: str
    domain: str
    source: str
    title: str
    intent: str
    examples: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    entities: Mapping[str, Entity] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    expects: str = ""
