"""The coverage of requirements as one page of HTML that needs nothing beside itself."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from pytest_atdm.cli.coverage import describe_remarks
from pytest_atdm.core.coverage import describe_attempts, describe_counts, describe_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.coverage import Coverage, Requirement, Use

_STYLE: Final = """
:root { color-scheme: light dark; --ground: #f6f7f9; --panel: #fff; --ink: #16202c; --muted: #5a6675; --line: #dde2e9;
  --good: #0f6b46; --good-soft: #e2f4eb; --bad: #a8231b; --bad-soft: #fce8e6; --doubt: #7a4d00; --doubt-soft: #fdf0d5;
  --plain-soft: #eef1f5; }
@media (prefers-color-scheme: dark) { :root { --ground: #10151c; --panel: #181f29; --ink: #e6ebf2; --muted: #9aa7b8;
  --line: #2b3542; --good: #6fd6a5; --good-soft: #12352a; --bad: #ff9a90; --bad-soft: #40201e; --doubt: #f2c879;
  --doubt-soft: #3a2c10; --plain-soft: #232c38; } }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1.25rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; }
table { width: 100%; border-collapse: collapse; background: var(--panel); margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem; border: 1px solid var(--line);
  overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
ul { margin: 0; padding-left: 1.1rem; }
summary { cursor: pointer; }
.muted { color: var(--muted); }
.status { padding: .1rem .5rem; border-radius: .3rem; background: var(--plain-soft); white-space: nowrap; }
.covered { color: var(--good); background: var(--good-soft); }
.failing { color: var(--bad); background: var(--bad-soft); }
.flaky { color: var(--doubt); background: var(--doubt-soft); }
"""
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Coverage of requirements</title>
<style>{style}</style>
</head>
<body>
<h1>Coverage of requirements</h1>
<p><strong>{percent:.1f} %</strong> covered. {counts}.</p>
<table>
<thead><tr><th scope="col">Requirement</th><th scope="col">Status</th><th scope="col">Tests</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
{remarks}
</body>
</html>"""


def render_page(coverage: Coverage) -> str:
    """Return the page; whatever tests and files are called, it stands there as text."""
    return _PAGE.format(
        style=_STYLE,
        percent=coverage.percent,
        counts=escape(describe_counts(coverage)),
        rows="\n".join(_render_requirement(one) for one in coverage.requirements),
        remarks="\n".join(f'<p class="muted">{escape(line)}</p>' for line in describe_remarks(coverage)),
    )


def _render_requirement(one: Requirement) -> str:
    title = f"<br>{escape(one.title)}" if one.title else ""
    scenarios = f'<br><span class="muted">{escape(", ".join(one.scenarios))}</span>' if one.scenarios else ""
    status = f'<span class="status {one.status}">{describe_status(one.status)}</span>'
    cells = (f"<code>{escape(one.id)}</code>{title}{scenarios}", status, _render_tests(one))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _render_tests(one: Requirement) -> str:
    if not one.tests:
        return ""
    items = "".join(f"<li>{line}</li>" for line in map(_render_test, one.tests))
    return f"<details><summary>{escape(describe_attempts(one.tests))}</summary><ul>{items}</ul></details>"


def _render_test(test: Use) -> str:
    return "".join(_iter_parts(test))


def _iter_parts(test: Use) -> Iterator[str]:
    flaky = ", flaky" if test.is_flaky else ""
    yield f"<code>{escape(test.nodeid)}</code> {escape(test.outcome)}{flaky}"
    facts = [test.scenario, test.commit[:12], test.at]
    yield f' <span class="muted">{escape(", ".join(filter(None, facts)))}</span>'
