"""The page about what the plugin gives a session: its mark, fixtures, switches, exit codes and reports."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING

import pytest
from _pytest.config.argparsing import Parser

from pytest_atdm import _fixtures, _markers, _options, _report, _state
from pytest_atdm._data import AliasedData, AtdmData, AtdmRun, Facts
from pytest_atdm.cli import INTERRUPTED
from pytest_atdm.core.errors import InternalError, SeederError, UsageError
from tests.docs import meanings
from tests.docs.markdown import join_paragraphs, render_table, to_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def render_plugin(note: str) -> str:
    """Return the page; *note* says how it is written."""
    return join_paragraphs(
        "# Plugin",
        note,
        "Nothing has to be switched on: pytest finds the plugin once it is installed, under the name `atdm`. Settings "
        "are in [configuration](configuration.md), hooks in [hooks](hooks.md), what an error means in "
        "[find out what an error means](../how-to/troubleshoot.md).",
        *_render_mark(),
        *_render_fixtures(),
        *_render_data(),
        *_render_switches(),
        *_render_exit_codes(),
        *_render_reports(),
    )


def _render_mark() -> Iterator[str]:
    yield "## The mark"
    yield f"```python\n{_declare(_markers.atdm_scenario)}\n```"
    yield (
        "From `pytest_atdm`. `@pytest.mark.atdm_scenario(...)` is the same without the types, and `pytestmark` puts it "
        "on a module. How-to: [write tests in your style](../how-to/write-tests-in-your-style.md)."
    )
    yield _describe(_markers.atdm_scenario)


def _render_fixtures() -> Iterator[str]:
    yield "## Fixtures"
    for name, scope, function in _iter_fixtures():
        yield f"### {name}"
        yield f"Scope: {scope}. Type: `{inspect.signature(function).return_annotation}`."
        yield _describe(function)


def _iter_fixtures() -> Iterator[tuple[str, str, Callable[..., object]]]:
    """Yield name, scope and function of each fixture that tests may ask for."""
    for name, fixture in inspect.getmembers(_fixtures):
        marker = getattr(fixture, "_fixture_function_marker", None)
        if marker is not None and not marker.autouse:
            yield name, marker.scope, inspect.unwrap(fixture)


def _render_data() -> Iterator[str]:
    yield "## What `atdm_data` gives"
    for kind in (AtdmData, AliasedData, Facts, AtdmRun):
        yield f"### {kind.__name__}"
        yield _describe(kind)
        rows = [[f"`{name}`", text] for name, text in _iter_members(kind)]
        yield render_table(["member", "meaning"], rows) if rows else ""
        fields = getattr(kind, "__dataclass_fields__", {})
        yield f"Fields: {', '.join(f'`{name}`' for name in fields)}." if fields else ""


def _iter_members(kind: type) -> Iterator[tuple[str, str]]:
    """Yield what *kind* itself has that a test may call or read, with the first line of its words."""
    for name, member in vars(kind).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, _describe(member).partition("\n\n")[0]


def _render_switches() -> Iterator[str]:
    parser = Parser(_ispytest=True)
    _options.add_options(parser)
    settings = {option.flag for option in _options.OPTIONS}
    group = parser.getgroup("atdm")
    yield "## Options that are no settings"
    yield "They say something of one session, and stand on the command line only."
    yield render_table(
        ["option", "meaning"],
        (
            [f"`{option.names()[0]}`", str(option.attrs()["help"])]
            for option in group.options
            if not settings & set(option.names())
        ),
    )


def _render_exit_codes() -> Iterator[str]:
    yield "## Exit codes"
    yield "Those of a session are pytest's:"
    named = ((pytest.ExitCode[name], text) for name, text in meanings.SESSION_CODES.items())
    yield render_table(
        ["code", "pytest's name", "meaning"], ([str(int(code)), f"`{code.name}`", text] for code, text in named)
    )
    codes = ([str(kind.exit_code), _describe(kind)] for kind in (UsageError, SeederError, InternalError))
    yield "Those of the command `atdm`, by the branch of the [error tree](errors.md):"
    yield render_table(["code", "meaning"], [["0", "Done."], *codes, [str(INTERRUPTED), "Ended by Ctrl-C."]])


def _render_reports() -> Iterator[str]:
    fields = _report.RequestReport.__dataclass_fields__
    yield "## Reports"
    yield (
        f"Each test's report has a property `{_report.PROPERTY}` for each of its requests (`user_properties`, so in "
        "JUnit files too), a JSON text with these fields; counts are of rows:"
    )
    yield render_table(["field", "meaning"], ([f"`{name}`", meanings.REQUEST_PROPERTY[name]] for name in fields))
    yield (
        f"The test suite of a JUnit file has the property `{_report.CHECKPOINT_PROPERTY}`: the newest checkpoint of "
        "the audit log, `NUMBER:HASH`, which `atdm audit verify --expect` takes. `--atdm-junit=off` leaves both out."
    )
    yield f"### The section `{_state.SECTION}`"
    yield (
        "The report of a failed test has it, with `--atdm-show-data` that of a passed one, too: each scenario with its "
        "title and what the application should have done, then its rows by entity and table, with their keys and what "
        "the scenario says of them. The sign before a row:"
    )
    yield render_table(
        ["sign", "meaning"], ([f"`{sign}`" if sign else "", text] for sign, text in meanings.SIGNS.items())
    )
    yield (
        "Of a failed test it goes on with `look:` (where rows are kept), `again:` (the command that runs the test on "
        "the same values) and `replay:` (the file for `atdm replay`). How-to: "
        "[read a red test](../how-to/read-a-red-test.md)."
    )


def _declare(function: Callable[..., object]) -> str:
    """Return the first line of *function* as one writes it, broken where it is long."""
    line = f"def {function.__name__}{inspect.signature(function)}: ...".replace("'", "")
    if len(line) <= 100:
        return line
    inside, _, after = line.partition("(")[2].rpartition(") -> ")
    parts = ",\n".join(inside.split(", "))
    return f"def {function.__name__}(\n{textwrap.indent(parts, '    ')},\n) -> {after}"


def _describe(thing: object) -> str:
    return to_code(inspect.getdoc(thing) or "")
