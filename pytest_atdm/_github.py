"""What GitHub shows of a session: failed tests with their data in the job's summary, and as annotations of the code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_atdm._report import count_noun
from pytest_atdm._state import SECTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

#: GitHub shows so many errors of a step.
_MAX_ANNOTATIONS: Final = 10
#: A summary may have 1 MiB (https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands).
_MAX_TOLD: Final = 50


class FailedTest(NamedTuple):
    """A failed test that had rows: its node id, file and line, and what its report says of the rows."""

    nodeid: str
    file: str
    line: int
    text: str


def tell_github(config: pytest.Config, lines: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
    """Write the session's *lines* and its failed tests to the step's summary, and annotations of the first ones."""
    terminal: pytest.TerminalReporter = config.pluginmanager.getplugin("terminalreporter")
    failed = list(_list_failed(config, terminal.stats, Path(environment.get("GITHUB_WORKSPACE", str(config.rootpath)))))
    for test in failed[:_MAX_ANNOTATIONS]:
        terminal.write_line(render_annotation(test))
    summary = environment.get("GITHUB_STEP_SUMMARY")
    if summary and (lines or failed):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(render_summary(failed, lines))


def _list_failed(
    config: pytest.Config, stats: Mapping[str, Sequence[pytest.TestReport]], workspace: Path
) -> Iterator[FailedTest]:
    for report in (*stats.get("failed", ()), *stats.get("error", ())):
        text = dict(getattr(report, "sections", ())).get(SECTION)
        if text:
            file, line, _ = report.location
            path = config.rootpath / file
            shown = path.relative_to(workspace) if path.is_relative_to(workspace) else Path(file)
            yield FailedTest(report.nodeid, str(shown), (line or 0) + 1, text)


def render_annotation(test: FailedTest) -> str:
    """Return the command that has GitHub show *test* beside its code; a text can neither end it nor begin another."""
    title = _escape(f"atdm: {test.nodeid}").replace(":", "%3A").replace(",", "%2C")
    file = _escape(test.file).replace(":", "%3A").replace(",", "%2C")
    return f"::error file={file},line={test.line},title={title}::{_escape(test.text)}"


def render_summary(failed: Sequence[FailedTest], lines: Sequence[str]) -> str:
    """Return Markdown: the session's *lines*, and each of the *failed* tests with what its report says of its rows."""
    parts = ["### Test data", "", *(f"- {_quote(line)}" for line in lines), ""]
    if failed:
        parts += [f"{count_noun(len(failed), 'failed test')} had rows:", ""]
    for test in failed[:_MAX_TOLD]:
        code = "\n".join(f"    {line}" for line in test.text.splitlines())
        parts += [f"<details><summary>{_to_html(test.nodeid)}</summary>", "", code, "", "</details>", ""]
    if len(failed) > _MAX_TOLD:
        parts += [f"and {len(failed) - _MAX_TOLD} more", ""]
    return "\n".join(parts)


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _quote(line: str) -> str:
    return f"`{line.replace('`', chr(39))}`"


def _to_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
