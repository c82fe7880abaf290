"""Bars for work that takes long: on a terminal only, and of several processes with one terminal on none."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_atdm.core.baseline import Progress


def is_shown() -> bool:
    """Return whether stderr is a terminal of ours alone; workers of pytest-xdist share one."""
    return sys.stderr.isatty() and "PYTEST_XDIST_WORKER" not in os.environ


@contextmanager
def tables_shown() -> Iterator[Callable[[Progress], None]]:
    """Yield what shows the progress of one table after the other, a bar for each; or what shows nothing."""
    if not is_shown():
        yield lambda _: None
        return
    bars = _Bars()
    try:
        yield bars.show
    finally:
        bars.close()


class _Bars:
    def __init__(self) -> None:
        self._shown: tuple[str, str] | None = None
        self._bar: Any = None
        self._done = 0

    def show(self, progress: Progress) -> None:
        if self._shown != (progress.table, progress.phase):
            self._begin(progress)
        self._bar.update(max(min(progress.done, self._bar.length) - self._done, 0))
        self._done = max(self._done, progress.done)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)

    def _begin(self, progress: Progress) -> None:
        import click  # lazy: startup

        self.close()
        label = f"{progress.phase} {progress.table}".strip()
        self._bar = click.progressbar(length=max(progress.total, 1), label=label, file=sys.stderr, show_pos=True)
        self._bar.__enter__()
        self._shown, self._done = (progress.table, progress.phase), 0
