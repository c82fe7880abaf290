"""``atdm scenarios`` and ``atdm show``: what the catalog holds. They start nothing."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import complete_scenario, read_console, read_settings, setting_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.catalog import Entity, Formula, Link, Literal, Parameter, Scenario


@click.command()
@click.option("--domain", metavar="NAME", help="Only the scenarios of this domain.")
@setting_options("catalog")
def scenarios(domain: str | None) -> None:
    """List the scenarios of the catalog."""
    from pytest_atdm._catalog import open_catalog  # lazy: startup

    catalog = open_catalog(read_settings().catalog_folder())
    if domain is not None:
        catalog.domain(domain)
    found = [catalog.scenario(name) for name in catalog.scenario_ids]
    found = [scenario for scenario in found if domain in (None, scenario.domain)]
    payload = {"scenarios": [_summarise(scenario) for scenario in found]}
    rows = [(scenario.id, scenario.domain, scenario.title) for scenario in found]
    read_console().answer(payload, format_table(("scenario", "domain", "title"), rows))


@click.command()
@click.argument("scenario", shell_complete=complete_scenario)
@setting_options("catalog")
def show(scenario: str) -> None:
    """Show one scenario, everything that it extends merged in."""
    from pytest_atdm._catalog import open_catalog  # lazy: startup

    found = open_catalog(read_settings().catalog_folder()).scenario(scenario)
    read_console().answer(found, _describe(found))


def _summarise(scenario: Scenario) -> dict[str, object]:
    return {
        "id": scenario.id,
        "domain": scenario.domain,
        "title": scenario.title,
        "intent": scenario.intent,
        "parameters": list(scenario.parameters),
        "requirements": list(scenario.requirements),
    }


def _describe(scenario: Scenario) -> Iterator[str]:
    yield f"{scenario.id}: {scenario.title}"
    yield ""
    yield from textwrap.wrap(scenario.intent, 100)
    for name, text in (("expects", scenario.expects), ("requirements", ", ".join(scenario.requirements))):
        if text:
            yield from textwrap.wrap(f"{name}: {text}", 100)
    yield f"source: {scenario.source}"
    if scenario.parameters:
        yield from ("", "parameters")
    for parameter in scenario.parameters.values():
        yield f"  {parameter.name}: {_describe_parameter(parameter)}"
    yield from ("", "entities")
    for entity in scenario.entities.values():
        yield from _describe_entity(entity)
    if scenario.promises:
        yield from ("", "promises")
    for promise in scenario.promises:
        yield f"  {promise.expression}"


def _describe_parameter(parameter: Parameter) -> str:
    limits = [f"{name} {limit}" for name in ("minimum", "maximum") if (limit := getattr(parameter, name)) is not None]
    choices = [f"one of {', '.join(map(str, parameter.choices))}"] if parameter.choices else []
    return ", ".join((parameter.type, f"default {parameter.default}", *limits, *choices))


def _describe_entity(entity: Entity) -> Iterator[str]:
    count = f", {_write_given(entity.count)} rows" if entity.count else ""
    yield f"  {entity.name} ({entity.table}{count})"
    for column, given in (*(entity.existing or {}).items(), *entity.given.items()):
        yield f"    {column}: {_write_given(given)}"


def _write_given(given: Literal | Formula | Link) -> str:
    if hasattr(given, "text"):
        return f"= {given.text}"
    if hasattr(given, "entity"):
        return f"${given.entity}"
    return given.value if isinstance(given.value, str) else json.dumps(given.value, ensure_ascii=False)
