"""A folder in which commands run, with and without a seeder that is kept running."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import pytest

from pytest_atdm._options import OPTIONS
from pytest_atdm._sidecar import ensure_seeder
from pytest_atdm.cli import main
from pytest_atdm.data import folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

START_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def payload(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)

    @property
    def shape(self) -> str:
        """Stdout, with a word in place of what differs from run to run."""
        text = re.sub(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", "<ulid>", self.out)
        text = re.sub(r"(token +|--token )\S+", r"\1<token>", text)
        return re.sub(r"127\.0\.0\.1:\d+", "<address>", re.sub(r"key=[0-9a-f]{32}", "key=<key>", text))


class Atdm(Protocol):
    """Runs ``atdm`` with the given words."""

    def __call__(self, *words: str) -> Outcome:
        """Return the outcome."""


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting comes from the environment of the person who runs the tests."""
    for name in (*(option.variable for option in OPTIONS), "ATDM_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run_atdm(capsys: pytest.CaptureFixture[str], clean_environment: None) -> Atdm:
    """The command line, run in this process in the current folder."""

    def run(*words: str) -> Outcome:
        capsys.readouterr()
        code = main(words)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def atdm_alone(run_atdm: Atdm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atdm:
    """The command line in an empty folder, without a seeder."""
    monkeypatch.chdir(tmp_path)
    return run_atdm


@contextlib.contextmanager
def make_open_folder() -> Iterator[Path]:
    """Yield a folder that every user may enter, as Postgres, which never runs as root, has to."""
    with tempfile.TemporaryDirectory(prefix="atdm-cli-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder for an embedded Postgres."""
    with make_open_folder() as place:
        yield place


@pytest.fixture(scope="session")
def served_folder() -> Iterator[Path]:
    """A folder whose embedded seeder is kept running, as ``atdm serve`` keeps it."""
    with make_open_folder() as place:
        sidecar = ensure_seeder(
            place / ".atdm", catalog=folder("catalog"), database_url=None, timeout_s=START_TIMEOUT_S
        )
        with contextlib.closing(sidecar):
            yield place


@pytest.fixture
def atdm(run_atdm: Atdm, served_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Atdm]:
    """The command line in the served folder; whatever a test seeded is gone after it."""
    monkeypatch.chdir(served_folder)
    yield run_atdm
    assert run_atdm("reset", "--all").code == 0
