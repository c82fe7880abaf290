"""The S3 server of the tests is gone when they are, however they end."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from tests.process.actors import PATIENCE_S, ROOT, is_running
from tests.store.server import S3Server

if TYPE_CHECKING:
    from pathlib import Path

_HOLDER: Final = """
import sys
from pathlib import Path
from tests.store.server import S3Server

with S3Server(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    input()
"""


def test_it_ends_with_a_killed_test_process(tmp_path: Path) -> None:
    """SIGKILL of the process that started it ends the server too."""
    words = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        assert is_running(pid)
        holder.kill()

    deadline = time.monotonic() + PATIENCE_S
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(pid)


def test_it_comes_back_at_its_address(tmp_path: Path) -> None:
    """After a kill, a new start has the address that it had."""
    with S3Server(tmp_path) as server:
        address = server.address
        server.kill()
        assert not is_running(server.pid)
        server.start()

        assert address == server.address
        assert is_running(server.pid)
