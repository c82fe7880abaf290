"""``atdm demo``, from the checkout and from the built wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from pytest_atdm.core.errors import InternalError, InvalidRequest
from pytest_atdm.data import folder
from pytest_atdm.demo import probe, read_script
from tests.environment import bare_environment

ROOT: Final = Path(__file__).parents[2]
BUILD: Final = "import sys; from pdm import backend; print(backend.build_wheel(sys.argv[1]))"
DEMO_TIMEOUT_S: Final = 180


def run_demo(python: Path, place: Path) -> str:
    """Return what the demo prints in the folder *place*, with nothing set in the environment."""
    environment = bare_environment("PYTHON")
    code = "import sys; from pytest_atdm.cli import main; sys.exit(main(['demo']))"
    done = subprocess.run(
        [python, "-P", "-c", code],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEMO_TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def read_commands(said: str) -> list[str]:
    """Return the commands that the demo shows, ids, tokens and folders left out."""
    commands = [line[2:] for line in said.splitlines() if line.startswith("$ ")]
    shortened = [re.sub(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", "<ulid>", command) for command in commands]
    shortened = [re.sub(r"--token \S+", "--token <token>", command) for command in shortened]
    shortened = [re.sub(r"http://127\.0\.0\.1:\d+", "<address>", command) for command in shortened]
    return [re.sub(r" \S*/([^/ ]+\.py)", r" \1", command) for command in shortened]


def expect_demo(said: str) -> None:
    """Check that *said* tells the whole way of the shipped demo."""
    script = read_script(folder("demo"))
    assert read_commands(said) == [
        "atdm serve",
        "curl <address>/readyz",
        f"atdm request {script.scenario} --playwright --pytest",
        f"DATABASE_URL=... python {script.application.file} &",
        f"curl <address>{script.application.health}",
        f"pytest -p atdm_{script.scenario} {script.test}",
        "atdm reset <ulid> --token <token>",
        "atdm audit <ulid>",
    ]
    assert re.search(r"^  \d+ passed in ", said, re.MULTILINE)
    assert re.search(r"^  [1-9]\d* rows removed, 1 request$", said, re.MULTILINE)
    assert re.search(r"^  chain intact: \d+ events, ", said, re.MULTILINE)
    assert re.search(r"^  http://127\.0\.0\.1:\d+/ui/audit/[0-9A-Z]{26}\?key=[0-9a-f]{32}$", said, re.MULTILINE)


def test_the_demo_shows_the_whole_way(open_folder: Path) -> None:
    """Every step is there with its command; a second demo in the same folder finds the Postgres that the first made."""
    expect_demo(run_demo(Path(sys.executable), open_folder))
    made = [path.stat() for path in open_folder.rglob("PG_VERSION")]

    said = run_demo(Path(sys.executable), open_folder)

    found = [path.stat() for path in open_folder.rglob("PG_VERSION")]
    expect_demo(said)
    assert made
    assert sorted((one.st_ino, one.st_mtime_ns) for one in made) == sorted(
        (one.st_ino, one.st_mtime_ns) for one in found
    )
    seeded = re.search(r": (\d+) rows, as of", said)
    removed = re.search(r"^  (\d+) rows removed", said, re.MULTILINE)
    assert seeded is not None
    assert removed is not None
    assert int(removed[1]) > int(seeded[1]), "the application's own rows are gone too"


@pytest.mark.slow
def test_the_built_wheel_runs_the_demo(open_folder: Path, tmp_path: Path) -> None:
    """Installed with its embedded extra in an empty environment, the wheel needs nothing else."""
    wheel = _build_wheel(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", open_folder / "venv"], check=True)
    python = open_folder / "venv" / "bin" / "python"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{wheel}[embedded]"]
    subprocess.run([python, *install], check=True)
    place = open_folder / "place"
    place.mkdir()

    expect_demo(run_demo(python, place))


def _build_wheel(folder: Path) -> Path:
    copy = folder / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy)
    for name in ("pytest_atdm", "seeder", "catalog", "migrations", "docs/demo"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=copy, capture_output=True, text=True, check=True)
    return folder / done.stdout.splitlines()[-1]


def test_a_script_with_unknown_keys_is_refused(tmp_path: Path) -> None:
    """``demo.yaml`` is read strictly."""
    (tmp_path / "demo.yaml").write_text("title: A\nscenario: b\ntest: c.py\napplication: {file: d.py, heath: /}\n")

    with pytest.raises(InvalidRequest, match="heath"):
        read_script(tmp_path)


def test_nobody_at_an_address_is_an_error() -> None:
    """A probe that finds nobody says where it looked."""
    with pytest.raises(InternalError, match=r"http://127\.0\.0\.1:9/healthz does not answer"):
        probe("http://127.0.0.1:9", "/healthz")
