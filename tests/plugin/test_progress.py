"""Bars for what takes long."""

from __future__ import annotations

import io
import re
import sys

import pytest

from pytest_atdm._progress import tables_shown
from pytest_atdm.core.baseline import Progress


class Terminal(io.StringIO):
    """What looks like a terminal to whoever asks."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def tell_of_two_tables() -> None:
    """Two tables, one after the other, of which nobody knew how many rows they have."""
    with tables_shown() as tell:
        for table in ("public.a", "public.b"):
            for done in (0, 50, 100, 120):
                tell(Progress(table=table, phase="compare", done=done, total=100))


def test_a_terminal_shows_a_bar_for_each_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bar names its table and what is done with it, and ends full though there were more rows than expected."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)

    tell_of_two_tables()

    for table in ("public.a", "public.b"):
        assert re.search(rf"compare {table}  \[#+\]  100/100", terminal.getvalue())


@pytest.mark.parametrize("worker", [False, True])
def test_elsewhere_nothing_is_written(monkeypatch: pytest.MonkeyPatch, worker: bool) -> None:  # noqa: FBT001
    """A log holds no bars, and neither does a terminal that workers of pytest-xdist share."""
    terminal = Terminal() if worker else io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    if worker:
        monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")

    tell_of_two_tables()

    assert "" == terminal.getvalue()


def test_an_end_without_progress_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails before its first table shows its error alone."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)

    with tables_shown():
        pass
