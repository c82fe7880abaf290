"""The whole way once, for people who look: a scenario seeded, used by a test and an application, reset, audited.

Which scenario, application and test is said by ``demo.yaml`` in the shipped folder ``demo``. Every step is shown as the
command that somebody would type for it.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_atdm._markers import Wish
from pytest_atdm._options import OPTIONS, Given, resolve_settings
from pytest_atdm.cli.audit import describe_trail
from pytest_atdm.cli.desk import make_page_url, make_session
from pytest_atdm.cli.options import find_root
from pytest_atdm.cli.request import describe_receipt, make_request_key, write_fixtures
from pytest_atdm.cli.reset import describe_reset, reset_by_token
from pytest_atdm.core import wire
from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.catalog.yaml_reader import read_yaml
from pytest_atdm.core.errors import InternalError
from pytest_atdm.core.strict import Strict
from pytest_atdm.data import folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_atdm._client import Json
    from pytest_atdm._options import Settings
    from pytest_atdm._session import AtdmSession
    from pytest_atdm.core.model import Receipt

START_TIMEOUT_S: Final = 20.0
PROBE_TIMEOUT_S: Final = 5.0
TEST_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Strict):
    """The application of the demo: a Python file that prints its address once it accepts requests."""

    file: str
    health: str
    arguments: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script(Strict):
    """What ``demo.yaml`` says; files are relative to it."""

    title: str
    scenario: str
    application: Application
    test: str


def run_demo() -> int:
    """Play the demo in the current folder, on an embedded Postgres below its ``.atdm``, and return the exit code.

    Raises:
        SeederError: the seeder or its Postgres did not start.
        InternalError: the shipped application or test failed.
    """
    started = time.monotonic()
    script = read_script(folder("demo"))
    settings = _make_settings(find_root(Path.cwd()))
    say(script.title)
    session = make_session(settings)
    with contextlib.closing(session):
        page_url = _play(script, session)
        say(f"\nDone in {time.monotonic() - started:.1f} s. The audit trail as a page, as long as the seeder runs:")
        say(f"  {page_url}")
        _wait_for_reader()
    return 0


def read_script(demo: Path) -> Script:
    """Return what ``demo.yaml`` in the folder *demo* says."""
    path = demo / "demo.yaml"
    document = read_yaml(path.read_text(encoding="utf-8"), file=path.name)
    return wire.load(wire.dump(document.value), Script, what=path.name)


def say(*lines: str) -> None:
    """Write *lines* at once, also where nobody is at a terminal."""
    print("\n".join(lines), flush=True)


def _make_settings(root: Path) -> Settings:
    """Return the settings of somebody who has set nothing: the demo must not touch another database."""
    given: dict[str, Given | None] = dict.fromkeys(option.name for option in OPTIONS)
    given["catalog"] = Given(str(folder("catalog")), "shipped", root)
    return resolve_settings(given, root, {})


def _play(script: Script, session: AtdmSession) -> str:
    """Show step after step; return the address of the audit page."""
    address = session.connection.address
    _show("atdm serve", [f"seeder    {address.url}", f"database  {address.database_url}"])
    _show(f"curl {address.url}/readyz", [probe(address.url, "/readyz")])
    wish = Wish(script.scenario, {})
    receipt, _ = session.seed(wish, request_key=make_request_key(wish), test="atdm demo")
    fixtures = session.settings.folder / "fixtures"
    files = write_fixtures(session, receipt, ("playwright", "pytest"), fixtures)
    _show(f"atdm request {script.scenario} --playwright --pytest", describe_receipt(receipt, session, files))
    with _running_application(script.application, session) as application_url:
        _show(f"curl {application_url}{script.application.health}", [probe(application_url, script.application.health)])
        has_passed = _run_test(script, files["pytest"], application_url)
    _report_use(session, receipt, script.test, has_passed=has_passed)
    _reset(session, receipt)
    if not has_passed:
        raise InternalError("the demo's test failed; its output stands above", hint="report it, with that output")
    return make_page_url(address, receipt.run_id)


def _report_use(session: AtdmSession, receipt: Receipt, test: str, *, has_passed: bool) -> None:
    """Tell the audit log that a test used the rows; in a pytest session with the plugin, the plugin does."""
    detail: Json = {"test": test, "outcome": "passed" if has_passed else "failed"}
    event: Json = {"kind": str(EventKind.CONSUMED_BY_TEST), "detail": detail}
    session.connection.client.append_events(receipt.request_id, receipt.cleanup_token, [event])


def _reset(session: AtdmSession, receipt: Receipt) -> None:
    client = session.connection.client
    report = reset_by_token(client, receipt.run_id, receipt.cleanup_token)
    _show(f"atdm reset {receipt.run_id} --token {receipt.cleanup_token}", describe_reset(report))
    _show(f"atdm audit {receipt.run_id}", describe_trail(client.audit(receipt.run_id)))


def probe(url: str, path: str) -> str:
    """Return what *url* answers to GET *path*, no proxy in between.

    Raises:
        InternalError: it does not answer, or not with 200.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PROBE_TIMEOUT_S)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode().strip()
        except (OSError, http.client.HTTPException) as exc:
            raise InternalError(f"{url}{path} does not answer: {exc}", hint="run atdm demo again") from exc
    if answer.status != http.client.OK:
        raise InternalError(f"{url}{path} answered with status {answer.status}: {body}", hint="run atdm demo again")
    return body


@contextlib.contextmanager
def _running_application(application: Application, session: AtdmSession) -> Iterator[str]:
    """Yield the address of the demo's application, which runs on the session's database until the block ends."""
    file = folder("demo") / application.file
    log = session.settings.folder / "demo-application.log"
    environment = os.environ | {"DATABASE_URL": session.database_url, "PYTHONDONTWRITEBYTECODE": "1"}
    _show(f"DATABASE_URL=... python {_shorten(file)} &", [])
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, str(file), *application.arguments], env=environment, stdout=subprocess.PIPE, stderr=stderr
        ) as process,
    ):
        try:
            yield _read_address(process, log)
        finally:
            process.terminate()


def _read_address(process: subprocess.Popen[bytes], log: Path) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
    address = process.stdout.readline().decode().strip() if ready else ""
    if not address:
        raise InternalError(
            f"the demo's application did not start: {log.read_text(errors='replace')[-2000:]}", hint=f"look into {log}"
        )
    return address


def _run_test(script: Script, fixture: Path, application_url: str) -> bool:
    """Run the demo's test file on the emitted fixture, as somebody without ATDM would; return whether it passed."""
    test = folder("demo") / script.test
    words = ["pytest", "-p", fixture.stem, "-q", "--no-header", "-p", "no:cacheprovider"]
    environment = os.environ | {
        "ATDM_DEMO_APPLICATION_URL": application_url,
        "PYTHONPATH": str(fixture.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", *words, str(test)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TEST_TIMEOUT_S, check=False)
    _show(f"pytest -p {fixture.stem} {_shorten(test)}", (done.stdout + done.stderr).strip().splitlines())
    return done.returncode == 0


def _show(command: str, lines: Iterable[str]) -> None:
    say("", f"$ {command}", *(f"  {line}".rstrip() for text in lines for line in text.split("\n")))


def _shorten(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _wait_for_reader() -> None:
    if sys.stdin.isatty() and sys.stdout.isatty():
        input("Press Enter to end. ")
