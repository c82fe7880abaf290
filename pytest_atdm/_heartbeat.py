"""The sign of life that keeps a run's rows standing: a thread that renews the lease, whatever the tests are doing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from pytest_atdm._client import SeederClient
from pytest_atdm.core.errors import AtdmError, SeederError

if TYPE_CHECKING:
    from pytest_atdm._sidecar import SeederAddress

#: Renewals in the time of a lease: two may fail, or be late.
BEATS_PER_LEASE: Final = 3
#: A kept run's lease is long; it counts from the session's end, to the minute.
LONGEST_PAUSE_S: Final = 60.0
#: The session's end waits for the answer to the last beat.
LONGEST_ANSWER_S: Final = 10.0


class Heartbeat:
    """Renews the lease of one run until ``stop``, or until there is none to renew: tests hear of that by themselves."""

    def __init__(self, address: SeederAddress, run_id: str, *, epoch: int, lease_s: float) -> None:
        self._pause_s = min(lease_s / BEATS_PER_LEASE, LONGEST_PAUSE_S)
        self._client = SeederClient(address, timeout_s=min(self._pause_s, LONGEST_ANSWER_S))
        self._lease = run_id, epoch
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="atdm-heartbeat")
        # Debuggers that stop all threads at a breakpoint let this one go on: the rows are to stand meanwhile.
        self._thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        self._thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._beat()
        finally:
            self._client.close()

    def _beat(self) -> None:
        pause_s = self._pause_s
        while not self._stopped.wait(pause_s):
            try:
                self._client.renew_lease(*self._lease)
            except SeederError:
                pause_s = self._pause_s / BEATS_PER_LEASE  # sooner again: there is a lease to lose
            except AtdmError:
                return  # lost, or not known
            else:
                pause_s = self._pause_s
