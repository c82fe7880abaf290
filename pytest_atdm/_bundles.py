"""The bundle of a failed test: a file from which ``atdm replay`` makes the same rows again."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.replay import FailedRequest, FailureBundle, dump_bundle
from pytest_atdm.core.wire import dump_plan, plan_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_atdm._live import LiveRequest
    from pytest_atdm.core.model import RowsNow

#: Bundles that stay: those of tests that failed longest ago go first.
_MAX_BUNDLES: Final = 200
_MAX_NAME: Final = 80


def write_bundle(folder: Path, test: str, seen: Sequence[tuple[LiveRequest, RowsNow | None]]) -> Path:
    """Write what *test* had asked for into *folder*, in place of what it left there before; return the file.

    Raises:
        SettingError: the folder cannot be written.
    """
    requests = tuple(
        FailedRequest(
            plan=live.plan,
            plan_hash=plan_hash(dump_plan(live.plan)),
            entities=live.receipt.entities,
            after=after,
        )
        for live, after in seen
    )
    path = folder / _name_file(test)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dump_bundle(FailureBundle(test=test, requests=requests)))
        _prune(folder)
    except OSError as exc:
        raise SettingError(f"{folder}: {exc}", hint="name another folder with --atdm-bundles-dir") from exc
    return path


def _name_file(test: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", test)[-_MAX_NAME:].strip("-")
    return f"{readable}-{hashlib.sha256(test.encode()).hexdigest()[:8]}.json"


def _prune(folder: Path) -> None:
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[_MAX_BUNDLES:]:
        path.unlink(missing_ok=True)
