"""``atdm coverage``: which requirements tests have shown to hold."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import read_console, read_output, read_settings, setting_options
from pytest_atdm.core.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_atdm.core.coverage import Coverage, Requirement, Use

_COLUMNS: Final = ("id", "title")


@click.command(short_help="Show which requirements tests have shown to hold.")
@click.option("--requirements", "file", metavar="FILE", help="CSV (id,title) in place of the catalog's requirements.")
@click.option(
    "--commit", default="", metavar="SHA", help="Only this commit, by its first digits (default: each test's newest)."
)
@click.option(
    "--fail-under",
    "least",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 where less of the requirements is covered.",
)
@setting_options("url", "database_url", "catalog", formats=("html", "junit"))
@click.pass_context
def coverage(ctx: click.Context, file: str | None, commit: str, least: float | None) -> None:
    """Show for each requirement what its tests came to: those whose scenario names it, each at its newest commit.

    \b
    failing          the newest outcome of one of them is failed or error
    flaky            one of them ended differently on one commit, or in one session
    covered          one of them passed
    skipped          all were skipped
    never exercised  there is none

    Covered and flaky ones make the percentage. Scenarios that no test has used are named too. The seeder knows the
    outcomes of all tests that have used it, of each test at the ten newest commits.
    """  # noqa: D301  click's mark for lines that stay as they are
    found = _gather(Path(file) if file else None, commit)
    if (render := _find_renderer(read_output())) is not None:
        click.echo(render(found))
    else:
        read_console().answer(describe(found), write_lines(found))
    if least is not None and found.percent < least:
        ctx.exit(1)


def _gather(file: Path | None, commit: str) -> Coverage:
    from pytest_atdm._catalog import open_catalog  # lazy: startup
    from pytest_atdm.cli.desk import open_client
    from pytest_atdm.core.coverage import judge_coverage, list_requirements, list_scenarios

    catalog = open_catalog(read_settings().catalog_folder())
    listed = read_requirements(file) if file else list_requirements(catalog)
    scenarios = list_scenarios(catalog)
    with open_client() as client:
        return judge_coverage(listed, scenarios, client.coverage(commit))


def _find_renderer(output: str) -> Callable[[Coverage], str] | None:
    if output == "html":
        from pytest_atdm.cli.coverage_page import render_page  # lazy: startup

        return render_page
    if output == "junit":
        from pytest_atdm.cli.coverage_junit import render_junit  # lazy: startup

        return render_junit
    return None


def read_requirements(path: Path) -> dict[str, str]:
    """Return the title of each requirement in the CSV file *path*, in its order; other columns do not matter.

    Raises:
        SettingError: it cannot be read, has not the columns id and title, or has an id twice or none; with its line.
    """
    import csv  # lazy: startup
    import io

    try:
        text = path.read_text(encoding="utf-8-sig")  # a spreadsheet's mark at the beginning is no part of a name
    except (OSError, UnicodeDecodeError) as exc:
        raise _refuse(f"{path}: cannot be read: {exc}") from exc
    rows = csv.DictReader(io.StringIO(text, newline=""), restval="")
    if not {*_COLUMNS} <= {*(rows.fieldnames or ())}:
        raise _refuse(f"{path}:1: the columns id and title are not both there")
    found: dict[str, str] = {}
    for row in rows:
        id, title = (row[name].strip() for name in _COLUMNS)
        if not id or id in found:
            raise _refuse(
                f"{path}:{rows.line_num}: " + (f'requirement "{id}" stands twice' if id else "the id is empty")
            )
        found[id] = title
    return found


def _refuse(what: str) -> SettingError:
    return SettingError(f"--requirements: {what}", hint="give a CSV file in UTF-8 whose first line is id,title")


def describe(coverage: Coverage) -> dict[str, object]:
    """Return *coverage* as callers read it."""
    counts = {str(status): count for status, count in coverage.counts.items()}
    return {
        "summary": {"requirements": len(coverage.requirements), **counts, "percent": round(coverage.percent, 1)},
        "requirements": [_describe_requirement(one) for one in coverage.requirements],
        "unused_scenarios": list(coverage.unused),
    }


def _describe_requirement(one: Requirement) -> dict[str, object]:
    return {
        "id": one.id,
        "title": one.title,
        "listed": one.listed,
        "status": str(one.status),
        "flaky": one.is_flaky,
        "scenarios": list(one.scenarios),
        "tests": [_describe_test(test) for test in one.tests],
    }


def _describe_test(test: Use) -> dict[str, object]:
    told = {**dataclasses.asdict(test), "flaky": test.is_flaky}
    del told["requirements"], told["varied"]
    return told


def write_lines(coverage: Coverage) -> Iterator[str]:
    """Yield *coverage* for a person: a table, what is wrong with the lists, scenarios without a test, the sums."""
    from pytest_atdm.core.coverage import describe_attempts, describe_counts, describe_status  # lazy: startup

    rows = [
        (one.id, describe_status(one.status), len(one.tests), describe_attempts(one.tests), one.title)
        for one in coverage.requirements
    ]
    yield from format_table(("requirement", "status", "tests", "attempts", "title"), rows)
    yield ""
    yield from describe_remarks(coverage)
    yield f"{describe_counts(coverage)}; {coverage.percent:.1f} % covered"


def describe_remarks(coverage: Coverage) -> Iterator[str]:
    """Yield which requirements are in one place only, which tests are flaky, and which scenarios no test has used."""
    flaky = {test.nodeid for one in coverage.requirements for test in one.tests if test.is_flaky}
    remarks = {
        "named by scenarios, and not in the list": [one.id for one in coverage.requirements if not one.listed],
        "in the list, and named by no scenario": [one.id for one in coverage.requirements if not one.scenarios],
        "tests that ended differently": sorted(flaky),
        "scenarios that no test has used": coverage.unused,
    }
    for what, names in remarks.items():
        if names:
            yield f"{what}: {', '.join(names)}"
