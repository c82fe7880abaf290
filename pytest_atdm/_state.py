"""What the plugin keeps on pytest's config and items: never in globals, for one process may run several sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm._head_start import HeadStart
    from pytest_atdm._live import LiveRequest
    from pytest_atdm._markers import Wishes
    from pytest_atdm._options import Settings
    from pytest_atdm._session import AtdmSession

SETTINGS: Final[pytest.StashKey[Settings]] = pytest.StashKey()
#: The seeder that starts while modules are imported.
HEAD_START: Final[pytest.StashKey[HeadStart]] = pytest.StashKey()
SESSION: Final[pytest.StashKey[AtdmSession]] = pytest.StashKey()
#: Lines that the session has to say about itself when it ends.
NOTES: Final[pytest.StashKey[list[str]]] = pytest.StashKey()
#: Whether the end of a run had to leave rows, and the session fails for it.
LEAKED: Final[pytest.StashKey[bool]] = pytest.StashKey()
#: The newest checkpoint of the audit log, once a run of this session has ended; empty before.
CHECKPOINT: Final[pytest.StashKey[str]] = pytest.StashKey()
#: What the test asks for, read from its marks at collection.
WISHES: Final[pytest.StashKey[Wishes]] = pytest.StashKey()
#: The requests of the test whose rows stand.
LIVE: Final[pytest.StashKey[Sequence[LiveRequest]]] = pytest.StashKey()
#: The test that is running, the last that was where none is.
AT_WORK: Final[pytest.StashKey[pytest.Item]] = pytest.StashKey()
#: The title of the section of a failed test's report that tells of its data.
SECTION: Final = "atdm data"
#: Which attempt of the test this is, from 1.
ATTEMPT: Final[pytest.StashKey[int]] = pytest.StashKey()
#: How the test ended: passed, failed, skipped, or error where its setup failed.
OUTCOME: Final[pytest.StashKey[str]] = pytest.StashKey()


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")
