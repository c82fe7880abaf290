"""A seeder of our own, started in a thread while this process imports what it needs to talk to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from pytest_atdm._sidecar import ensure_seeder
from pytest_atdm.core.migrations import MIGRATION_LIMIT_S

if TYPE_CHECKING:
    from pytest_atdm._options import Settings
    from pytest_atdm._sidecar import Sidecar

START_TIMEOUT_S: Final = 60.0  # the first start of an embedded Postgres on a slow machine


class HeadStart:
    """Finds or starts the seeder of *settings*, beginning now; ``wait`` gives the hold on it."""

    def __init__(self, settings: Settings) -> None:
        self._outcome: Sidecar | BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(settings,), daemon=True, name="atdm-head-start")
        self._thread.start()

    def wait(self) -> Sidecar:
        """Return the hold, once the seeder answers.

        Raises:
            AtdmError: what ``ensure_seeder`` raises, or a setting that names no catalog.
        """
        self._thread.join()
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome

    def _run(self, settings: Settings) -> None:
        try:
            self._outcome = ensure_seeder(
                settings.folder,
                catalog=settings.catalog_folder(),
                database_url=settings.database_url,
                migrations=settings.migrations,
                timeout_s=(settings.timeout_s or START_TIMEOUT_S) + (MIGRATION_LIMIT_S if settings.migrations else 0),
            )
        except BaseException as exc:  # noqa: BLE001  (handed to whoever waits)
            self._outcome = exc
