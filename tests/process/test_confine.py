"""Whoever starts Postgres, it runs as somebody who is not root, reaches what it needs, and dies with its starter."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seeder.embedded import confine
from tests.process.actors import AN_UNKNOWN_USER, PATIENCE_S, become_user, is_running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WITHOUT_NAMESPACES = [sys.executable, str(Path(__file__).with_name("without_namespaces.py"))]
NOBODY = pwd.getpwnam("nobody").pw_uid
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def cluster() -> Iterator[Path]:
    """Return a cluster folder with a file in it, in a project that everybody may enter."""
    with tempfile.TemporaryDirectory() as project:
        Path(project).chmod(0o755)
        folder = Path(project) / ".atdm" / "embedded" / "postgres"
        folder.parent.mkdir(parents=True)
        folder.mkdir(mode=0o700)
        (folder / "password").touch(mode=0o600)
        yield folder


def run_confined(cluster: Path, *command: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run *command* through the script, as a shell's child."""
    script = f'"{sys.executable}" -I -S "{confine.__file__}" $$ 2 "$@"; exit $?'
    words = [*prefix, "sh", "-c", script, "sh", str(cluster), *command]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@needs_root
def test_root_stays_the_owner_under_another_name(cluster: Path) -> None:
    """Root runs the program as nobody in a namespace; what it writes is root's."""
    result = run_confined(cluster, "/bin/sh", "-c", f"id -u; touch {cluster}/made")

    assert (0, f"{NOBODY}\n") == (result.returncode, result.stdout), result.stderr
    assert (0, 0) == ((cluster / "made").stat().st_uid, cluster.stat().st_uid)


@needs_root
def test_without_namespaces_root_becomes_nobody(cluster: Path) -> None:
    """Where namespaces are forbidden, nobody runs the program and owns the cluster; nothing above it changes hands."""
    result = run_confined(cluster, "/bin/sh", "-c", f"id -u; touch {cluster}/made", prefix=WITHOUT_NAMESPACES)

    assert (0, f"{NOBODY}\n") == (result.returncode, result.stdout), result.stderr
    assert {NOBODY} == {path.stat().st_uid for path in (cluster, cluster / "password", cluster / "made")}
    assert 0 == cluster.parent.stat().st_uid


@needs_root
def test_without_namespaces_root_becomes_the_owner_of_the_project(cluster: Path) -> None:
    """In a project of somebody else, this owner runs the program: they reach what nobody might not."""
    project = cluster.parent.parent.parent
    os.chown(project, AN_UNKNOWN_USER, AN_UNKNOWN_USER)
    project.chmod(0o700)

    result = run_confined(cluster, "/usr/bin/id", "-u", prefix=WITHOUT_NAMESPACES)

    assert (0, f"{AN_UNKNOWN_USER}\n") == (result.returncode, result.stdout), result.stderr
    assert AN_UNKNOWN_USER == (cluster / "password").stat().st_uid


@needs_root
def test_the_cluster_returns_to_root_when_namespaces_do(cluster: Path) -> None:
    """A cluster that nobody has owned is root's again where a namespace can be made."""
    run_confined(cluster, "/bin/true", prefix=WITHOUT_NAMESPACES)

    result = run_confined(cluster, "/bin/cat", str(cluster / "password"))

    assert 0 == result.returncode, result.stderr
    assert {0} == {path.stat().st_uid for path in (cluster, cluster / "password")}


@needs_root
def test_root_is_told_when_nobody_else_reaches_the_folder(cluster: Path) -> None:
    """Where no other identity reaches the folder the script says so, and changes nothing."""
    cluster.parent.parent.parent.chmod(0o700)

    result = run_confined(cluster, "/bin/true", prefix=WITHOUT_NAMESPACES)

    assert 1 == result.returncode
    assert "confine: Postgres refuses to run as root" in result.stderr
    assert "allow user namespaces, or run as a normal user" in result.stderr
    assert 0 == cluster.stat().st_uid


@needs_root
def test_a_user_without_a_name_gets_one(cluster: Path) -> None:
    """A user whom the password file does not know, which initdb refuses, runs the program as nobody in a namespace."""
    result = run_confined(cluster, "/bin/cat", "/proc/self/uid_map", prefix=become_user(AN_UNKNOWN_USER, cluster))

    assert [str(NOBODY), str(AN_UNKNOWN_USER), "1"] == result.stdout.split(), result.stderr


def test_the_program_dies_with_its_starter(cluster: Path) -> None:
    """SIGKILL of the starter ends the program."""
    launch = f"import subprocess; print(subprocess.Popen({launch_sleep(cluster)}).pid, flush=True); input()"
    launch = launch.replace("'STARTER'", "str(__import__('os').getpid())")
    with subprocess.Popen([sys.executable, "-c", launch], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        program = int(starter.stdout.readline())
        wait_until(lambda: b"sleep" in Path(f"/proc/{program}/cmdline").read_bytes().split(b"\0")[0])

        starter.kill()

    wait_until(lambda: not is_running(program))


def test_a_program_whose_starter_is_gone_does_not_start(cluster: Path) -> None:
    """A starter that ended before it could be watched is noticed."""
    words = [word.replace("STARTER", "1") for word in launch_sleep(cluster)]

    result = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)

    assert (1, "confine: the starter has ended\n") == (result.returncode, result.stderr)


def launch_sleep(cluster: Path) -> list[str]:
    """Return the words that start a long sleep through the script."""
    return [sys.executable, "-I", "-S", confine.__file__, "STARTER", "15", str(cluster), "/bin/sleep", "600"]
