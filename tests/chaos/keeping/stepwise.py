"""A seeder that kills itself at one step: ``python -m tests.chaos.keeping.stepwise serve ...``.

``CHAOS_KILL_AT`` names the step and a side of it, as ``before noting the file``; from SIGUSR2 on, the first time that
it comes there it is gone, as by SIGKILL from outside. ``CHAOS_FILE_BYTES`` limits what a file may have, as a full disk
does, from then on, too. At SIGUSR1 it loses its right to write to folders of root.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from seeder import export
from seeder.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

#: Every step by its name: where the function stands that takes it, and what an argument of it says.
STEPS: Final = {
    "the end of a run": ("seeder.db.runs", "", "end_run", ""),
    "committing its end": ("seeder.db.database", "Database", "reset_run", ""),
    "taking a seal": ("seeder.db.export", "ExportQueue", "take", ""),
    "reading its events": ("seeder.export", "Exporter", "_write", ""),
    "storing the file": ("seeder.store.local", "LocalStore", "create", ""),
    "noting the file": ("seeder.db.export", "ExportQueue", "finish", ""),
    "storing the checkpoint": ("seeder.store.local", "LocalStore", "create_bytes", "/checkpoints/"),
    "reading a table": ("seeder.baselines.taking", "_Taking", "_read_table", ""),
    "storing a table": ("seeder.baselines.taking", "_Taking", "_put_table", ""),
    "storing the manifest": ("seeder.baselines.taking", "_Taking", "_publish", ""),
    "comparing": ("seeder.db.restore.transaction", "_Restore", "_compare", ""),
    "rewriting": ("seeder.db.restore.transaction", "_Restore", "_rewrite", ""),
    "moving sequences": ("seeder.db.restore.transaction", "", "move_sequences", ""),
    "telling the log": ("seeder.db.restore.transaction", "", "append_restored", ""),
    "committing": ("seeder.db.restore.transaction", "_Restore", "run", ""),
    "removing the manifest": ("seeder.store.local", "LocalStore", "remove", "manifest.json"),
}


#: Empty until SIGUSR2.
ARMED: Final[list[int]] = []


def prepare(order: str) -> None:
    """Have the step of the *order* end this process once it is armed."""
    side, _, step = order.partition(" ")
    module, owner, name, word = STEPS[step]
    place: Any = importlib.import_module(module)
    if owner:
        place = getattr(place, owner)
    setattr(place, name, _wrap(getattr(place, name), word, dies_before=side == "before"))


def _wrap(call: Callable[..., Any], word: str, *, dies_before: bool) -> Callable[..., Any]:
    if asyncio.iscoroutinefunction(call):

        @functools.wraps(call)
        async def wrapped(*given: Any, **named: Any) -> Any:
            _die_if(dies_before, word, given)
            answer = await call(*given, **named)
            _die_if(True, word, given)
            return answer

        return wrapped

    @functools.wraps(call)
    def wrapped_plain(*given: Any, **named: Any) -> Any:
        _die_if(dies_before, word, given)
        answer = call(*given, **named)
        _die_if(True, word, given)
        return answer

    return wrapped_plain


def _die_if(is_time: bool, word: str, given: tuple[Any, ...]) -> None:  # noqa: FBT001 - of two callers
    if ARMED and is_time and any(word in str(one) for one in given):
        os.kill(os.getpid(), signal.SIGKILL)


def _arm(*_: object) -> None:
    ARMED.append(1)
    if limit := os.environ.get("CHAOS_FILE_BYTES"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))


def _become_nobody(*_: object) -> None:
    for module in ("seeder.baselines.taking", "seeder.baselines.restoring", "pyarrow.parquet"):
        importlib.import_module(module)  # nobody may not read what Python is made of, on some machines
    os.setgroups([])
    os.setuid(65_534)


if __name__ == "__main__":
    export.ROUND_S, export.PAUSES_S = 1.0, (0.5, 2.0)  # type: ignore[misc]  # short, so that a cell takes seconds
    signal.signal(signal.SIGUSR1, _become_nobody)
    signal.signal(signal.SIGUSR2, _arm)
    if told := os.environ.get("CHAOS_KILL_AT"):
        prepare(told)
    sys.exit(main())
