"""``--atdm-baseline NAME``: the tables as they were, before any test runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugin.conftest import Suite
from tests.plugin.database import fetch


@pytest.fixture
def kept(suite: Suite) -> Iterator[Suite]:
    """A suite whose database has a baseline; no run is active."""
    with suite.open_client() as client:
        for run in client.runs():
            client.reap(str(run["run_id"]))
        client.take_baseline("clean", actor="a test", tell=lambda _: None)
    yield suite
    with suite.open_client() as client:  # others use the database, too
        client.restore_baseline("clean", actor="a test", force=True, tell=lambda _: None)
        client.drop_baseline("clean", actor="a test")


def bend(suite: Suite) -> None:
    """Change what no run would change back."""
    fetch(suite.database_url, "UPDATE genres SET title = title || ' (bent)' RETURNING 1")


def test_tables_are_as_they_were_before_the_first_test(kept: Suite) -> None:
    """What somebody bent since is as the baseline has it, and the summary says how much that was."""
    before = kept.read_all_rows()
    bend(kept)
    kept.write("def test_a(): pass")

    result = kept.run("--atdm-baseline=clean")

    result.assert_outcomes(passed=1)
    assert before == kept.read_all_rows()
    result.stdout.re_match_lines(
        [r"atdm: --atdm-baseline clean: \d+ rows? in \d+ tables differed, and are as they were"]
    )
    result.stdout.fnmatch_lines(["atdm: *baseline clean (from --atdm-baseline)*"])


def test_a_baseline_that_is_not_there_lets_no_test_run(kept: Suite) -> None:
    """Who asked for it must not run on something else."""
    kept.write("def test_a(): pass")

    result = kept.run("--atdm-baseline=other")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        ['ERROR: atdm: --atdm-baseline other failed: *no baseline "other"*', "*there are: clean*"]
    )


def test_collecting_restores_nothing(kept: Suite) -> None:
    """A look at the tests leaves the database as it is."""
    bend(kept)
    bent = kept.read_all_rows()
    kept.write("def test_a(): pass")

    kept.run("--atdm-baseline=clean", "--collect-only")

    assert bent == kept.read_all_rows()


def test_workers_restore_nothing_themselves(kept: Suite) -> None:
    """The controller has done it before they start."""
    bend(kept)
    kept.write("import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_a(n): pass")

    result = kept.run_apart("-n2", "--atdm-baseline=clean")

    result.assert_outcomes(passed=4)
    assert 1 == str(result.stdout).count("--atdm-baseline clean:")
