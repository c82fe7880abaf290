"""The mark: its signature, and what it says on a test."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import pytest

from pytest_atdm.core.errors import MarkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from _pytest.nodes import Node

NAME: Final = "atdm_scenario"
Scope: TypeAlias = Literal["function", "class", "module", "session"]
#: The fixture that is parametrized where a mark has several names.
ROWS_FIXTURE: Final = "_atdm_rows"
#: The fixture that tests may parametrize themselves, ``indirect=True``.
DATA_FIXTURE: Final = "atdm_data"


def atdm_scenario(
    name: str, /, *more: str, as_: str | None = None, scope: Scope | None = None, **overrides: object
) -> pytest.MarkDecorator:
    """Have the rows of the scenario *name* stand in the database while the test runs.

    With *more* names the test runs once for each. Overrides are parameters of the scenario (``days=3``), columns of its
    entities (``order__status="open"``), or a mapping of columns (``order={"status": "open"}``). The test takes the
    fixture ``atdm_data`` to see the rows.

    Several marks on one test stand together if each says *as_* what it is called: ``atdm_data.first.order``. Else the
    nearest counts, that on the test before that on its class and that on its module; of the same scenario they add up.

    *scope* has tests of a class, a module or the session that ask for the same share the rows: for tests that only
    read. What was changed all the same is told when the rows go.

    Raises:
        MarkError: *name* is not a text, as in ``@atdm_scenario`` without parentheses.
    """
    for one in (name, *more):
        _check_name(one)
    given = {"as_": as_, "scope": scope}
    words = {word: value for word, value in given.items() if value is not None}
    return pytest.mark.atdm_scenario.with_args(name, *more, **words, **overrides)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a test asks for: a scenario and its overrides, and the scope within which tests share the rows, if one."""

    scenario: str
    overrides: Mapping[str, object]
    scope: str = ""

    @property
    def is_shared(self) -> bool:
        """Whether tests that ask for the same share the rows."""
        return self.scope not in ("", "function")

    @property
    def identity(self) -> tuple[str, str]:
        """Equal for wishes that ask for the same."""
        return self.scenario, repr(sorted(self.overrides.items(), key=lambda item: item[0]))

    def __str__(self) -> str:
        return f"{self.scenario}({', '.join(f'{name}={value!r}' for name, value in self.overrides.items())})"


#: What one test asks for, by alias; a wish that has none is alone, under the empty text.
Wishes: TypeAlias = "Mapping[str, Wish]"


@dataclass(frozen=True, slots=True)
class _Said:
    """What one mark says: a scenario, or several one after the other, its overrides, its name and scope, if any."""

    names: tuple[str, ...]
    alias: str
    scope: str
    overrides: Mapping[str, object]


def key_of(item: pytest.Item, alias: str, wish: Wish) -> str:
    """Return the request key of *wish*, which *item* asks for under *alias*; whoever shares its rows has the same."""
    if wish.is_shared:
        return f"{scope_node(item, wish.scope).nodeid}@{wish.scope}:{wish}"
    return f"{item.nodeid}@{alias}" if alias else item.nodeid


def scope_node(item: pytest.Item, scope: str) -> Node:
    """Return the class, module or session of *item* within which tests share rows."""
    node: Node | None = item.session
    if scope != "session":
        node = item.getparent(pytest.Class) if scope == "class" else item.getparent(pytest.Module)
    assert node is not None, "checked when the mark was read"
    return node


def list_names(definition: pytest.Item) -> tuple[str, ...]:
    """Return the scenarios, if several, for each of which the test is to run; empty where its marks cannot work."""
    try:
        levels = [said for level in _read_levels(definition) for said in level if not said.alias]
    except MarkError:
        return ()  # told when the tests are checked
    return levels[0].names if levels and len(levels[0].names) > 1 else ()


def read_wishes(item: pytest.Item) -> Wishes:
    """Return what *item* asks for by its marks and parameters.

    Raises:
        MarkError: wrong arguments, several marks without names for them, or several scenarios on a
            ``unittest.TestCase``, one after the other.
    """
    parameters = _parameters(item)
    levels = [*_read_parameter(parameters.get(DATA_FIXTURE)), *_read_levels(item)]
    if _is_unittest(item) and any(len(said.names) > 1 for level in levels for said in level):
        raise MarkError(
            "the mark atdm_scenario has several scenarios on a unittest.TestCase, which runs a test but once",
            hint="write a test for each, or make it a plain class or function of pytest",
        )
    wishes: dict[str, Wish] = {}
    for level in levels:
        _add_level(wishes, level, chosen=str(parameters.get(ROWS_FIXTURE, "")))
    if any(wish.scope == "class" for wish in wishes.values()) and item.getparent(pytest.Class) is None:
        raise MarkError(
            'scope="class" stands on a test without a class', hint='write scope="module", or make it a class'
        )
    if "" in wishes and len(wishes) > 1:
        aliases = ", ".join(alias for alias in wishes if alias)
        raise MarkError(
            f'on a test, its class and module included, "{wishes[""].scenario}" stands beside {aliases} without a name',
            hint='say how it is called there: @atdm_scenario("name", as_="first")',
        )
    return wishes


def _add_level(wishes: dict[str, Wish], level: Sequence[_Said], *, chosen: str) -> None:
    """Add what one level says to what nearer ones do: these go first, and of the same scenario both count."""
    aliases = [said.alias for said in level]
    if len(set(aliases)) < len(level):
        names = ", ".join(said.names[0] for said in level)
        raise MarkError(
            f"{len(level)} marks atdm_scenario in one place ({names})",
            hint='give each a name, @atdm_scenario("name", as_="first"), or ask within the test: '
            'atdm_data.request("name")',
        )
    for said in level:
        name = chosen if chosen in said.names else said.names[0]
        nearer = wishes.setdefault(said.alias, Wish(name, {}))
        if nearer.scenario == name:
            wishes[said.alias] = Wish(name, {**said.overrides, **nearer.overrides}, nearer.scope or said.scope)


def _read_levels(item: pytest.Item) -> Iterator[Sequence[_Said]]:
    """Yield what the marks say that stand in one place, the nearest place first."""
    levels: dict[tuple[int, int], list[_Said]] = {}
    nodes = item.listchain()[::-1]
    for node, mark in item.iter_markers_with_node(NAME):
        # Decorators are applied from below, so that the uppermost comes last.
        levels.setdefault((nodes.index(node), _count_bases(node, mark)), []).insert(0, _read_mark(mark))
    for place in sorted(levels):
        yield levels[place]


def _count_bases(node: Node, mark: pytest.Mark) -> int:
    """Return how far up the bases of a class the mark stands; 0 of all that is no class."""
    for steps, base in enumerate(getattr(getattr(node, "obj", None), "__mro__", ())):
        marks = base.__dict__.get("pytestmark", ())
        if any(getattr(one, "mark", one) is mark for one in (marks if isinstance(marks, list) else [marks])):
            return steps
    return 0


def _read_mark(mark: pytest.Mark) -> _Said:
    overrides = dict(mark.kwargs)
    alias, scope = overrides.pop("as_", ""), overrides.pop("scope", "")
    if not mark.args:
        raise MarkError(
            "atdm_scenario takes the name of a scenario without a keyword, and has none",
            hint='write @atdm_scenario("name", column=value); further things are asked for by keyword',
        )
    for name in mark.args:
        _check_name(name)
    if "as_" in mark.kwargs and not (isinstance(alias, str) and alias.isidentifier() and not alias.startswith("_")):
        raise MarkError(
            f"as_={alias!r} is no name by which the rows could be reached",
            hint='write a plain name: @atdm_scenario("name", as_="first"), and atdm_data.first',
        )
    if len(set(mark.args)) < len(mark.args) or (alias and len(mark.args) > 1):
        why = "one name only where as_ says how it is called" if alias else "each name once"
        raise MarkError(
            f"atdm_scenario takes {why}, not {', '.join(mark.args)}",
            hint="of several names the test runs once for each; for rows that stand together write several marks",
        )
    if scope and scope not in get_args(Scope):
        raise MarkError(
            f"scope={scope!r} is none within which tests share rows",
            hint=f"choose one of {', '.join(get_args(Scope))}",
        )
    return _Said(mark.args, alias, scope, overrides)


def _read_parameter(parameter: object) -> Iterator[Sequence[_Said]]:
    """Yield what a parameter of ``atdm_data`` asks for: a scenario, or a pair of one and its overrides."""
    if parameter is None:
        return
    name, overrides = parameter if isinstance(parameter, tuple) and len(parameter) == 2 else (parameter, {})
    _check_name(name)
    yield [_Said((str(name),), "", "", dict(overrides))]


def _parameters(item: pytest.Item) -> Mapping[str, object]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name:
        what = f"the function {name.__name__}" if callable(name) and hasattr(name, "__name__") else repr(name)
        raise MarkError(
            f"atdm_scenario takes the name of a scenario, not {what}", hint='write @atdm_scenario("name") with its name'
        )


def _is_unittest(item: pytest.Item) -> bool:
    unittest = sys.modules.get("unittest")
    owner = getattr(item, "cls", None)
    return unittest is not None and owner is not None and issubclass(owner, unittest.TestCase)
