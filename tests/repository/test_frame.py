from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text()


@pytest.mark.parametrize("name", ["pyproject.toml", "pdm.lock"])
def test_project_files_hold_no_place_of_one_machine(name: str) -> None:
    """Dependencies come from the registry that the reader configured; path dependencies start at ${PROJECT_ROOT}."""
    text = (ROOT / name).read_text()

    assert [] == re.findall(r"file:/+(?!/?\$\{PROJECT_ROOT\}).*", text)
    assert [] == re.findall(r'(?:url|path) = "[^"]*"', text)


def test_lock_serves_every_supported_python_and_system() -> None:
    """One lock file for all: it is resolved for the whole range of Pythons, and for no single platform."""
    lock = tomllib.loads((ROOT / "pdm.lock").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert [{"requires_python": project["project"]["requires-python"]}] == lock["metadata"]["targets"]


def test_makefile_explains_every_target() -> None:
    """``make`` alone lists each target with a sentence."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[0].split())

    run = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    explained = dict(re.findall(r"^make ([\w-]+) +(\S.*)$", run.stdout, flags=re.MULTILINE))

    assert {
        "arch",
        "bench",
        "check",
        "clean",
        "demo",
        "down",
        "help",
        "lint",
        "setup",
        "stack",
        "test",
        "up",
    } <= targets
    assert targets == explained.keys()


def test_setup_refuses_an_old_python_in_words(tmp_path: Path) -> None:
    """With a Python that is too old, setup says which one is needed and how to name it."""
    old_python = tmp_path / "python3"
    old_python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.10.13" && exit 0\nexit 1\n')
    old_python.chmod(0o755)
    for name in ("Makefile", ".ci/pdm.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())

    run = subprocess.run(
        ["make", ".tools/ready", f"PYTHON={old_python}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stderr
    assert "is Python 3.10.13" in run.stderr


def test_ci_runs_the_command_that_the_readme_gives() -> None:
    """The command is read from the README, so that what a reader types is what is tested."""
    run = subprocess.run([ROOT / ".ci/test-command", ROOT / "README.md"], capture_output=True, text=True, check=True)

    assert run.stdout == "make test\n"


def test_ci_fails_when_the_readme_gives_no_command(tmp_path: Path) -> None:
    """A README without the section, or with a block elsewhere only, is an error and not an empty run."""
    readme = tmp_path / "README.md"
    readme.write_text(
        "# Title\n\n```console\nmake demo\n```\n\n## Run the tests\n\nSoon.\n\n## Else\n\n```console\nmake clean\n```\n"
    )

    run = subprocess.run([ROOT / ".ci/test-command", readme], capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert 'no fenced block with a command beneath a heading "Run the tests"' in run.stderr


def test_workflow_pins_its_actions_and_asks_for_no_rights() -> None:
    """Actions are named by full commit, rights are none but reading, and every job has an end."""
    workflow = yaml.safe_load(WORKFLOW)

    assert {"lint", "test", "typescript", "architecture", "stack"} == workflow["jobs"].keys()
    assert [] == [use for use in re.findall(r"uses: (\S+)", WORKFLOW) if not re.search(r"@[0-9a-f]{40}$", use)]
    assert workflow["permissions"] == {}
    assert all(job["permissions"] == {"contents": "read"} for job in workflow["jobs"].values())
    assert all(job["timeout-minutes"] <= 45 for job in workflow["jobs"].values())


def test_workflow_tests_the_pythons_that_the_classifiers_promise() -> None:
    """The matrix of the test job is the list of Python versions in the package's classifiers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))

    assert promised == yaml.safe_load(WORKFLOW)["jobs"]["test"]["strategy"]["matrix"]["python-version"]
