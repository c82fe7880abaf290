"""A seeder that does not answer: one clear error, soon, never a skip and never a hang."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_atdm import _connect
from pytest_atdm._client import SeederClient
from pytest_atdm._sidecar import SeederAddress
from pytest_atdm.core.errors import SeederFailed, SeederUnreachable
from tests.plugin.test_collection import find_closed_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.conftest import Suite

HANG_S = 60.0  # only so that a caller that waits for ever fails instead of hanging

FOUR = """
    @pytest.mark.parametrize("number", range(3))
    @atdm_scenario("overdue_loan")
    def test_a(number): pass

    @atdm_scenario("reader_with_books")
    def test_b(): pass
"""


@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_nobody_at_the_address_is_one_error_for_the_session(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    """However many tests and workers: one error that names the address and what to do, and no test runs."""
    url = f"http://127.0.0.1:{find_closed_port()}"
    monkeypatch.setenv("ATDM_URL", url)
    suite.write(FOUR)

    result = suite.run_apart(*args)

    result.assert_outcomes(errors=1)
    assert result.ret != pytest.ExitCode.OK
    output = result.stdout.str()
    assert output.count(f"the seeder at {url} cannot be reached") == 1
    assert "start the seeder at this address, or unset ATDM_URL" in output
    assert "in time" not in output, "nobody is waited for where nobody listens"


@pytest.mark.parametrize("fixture", ["atdm_run", "atdm_database_url"])
def test_a_fixture_that_cannot_be_had_is_one_message(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, fixture: str
) -> None:
    """A test without the mark has no check at collection; what is wrong is said without the code that found it."""
    monkeypatch.setenv("ATDM_URL", f"http://127.0.0.1:{find_closed_port()}")
    suite.write(f"def test_a({fixture}): pass")

    result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the seeder at * cannot be reached*"])
    result.stdout.no_fnmatch_line("*_session.py*")


def test_a_seeder_that_goes_away_stops_the_session(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a session the first test to notice fails, and no other is tried."""
    suite.write(
        """
        import httpx

        from pytest_atdm._state import SESSION
        from pytest_atdm._transport import OneConnection

        @atdm_scenario("overdue_loan")
        def test_a(pytestconfig):
            client = pytestconfig.stash[SESSION].connection.client
            client.close()
            client._transport = OneConnection(httpx.URL("http://127.0.0.1:1"), connect_s=5, read_s=5)

        @atdm_scenario("overdue_loan")
        def test_b(): pass
        """
    )

    result = suite.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*seeder*cannot be reached*", "*was not ended: the seeder at * cannot be reached; *lease lapses*"]
    )
    assert pytest.ExitCode.INTERRUPTED == result.ret
    with suite.open_client() as client:
        client.reset_all(force=True)


@contextlib.contextmanager
def silent_seeder() -> Iterator[str]:
    """Yield the address of somebody who takes connections and says nothing; after HANG_S he breaks them off."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        end = threading.Timer(HANG_S, listener.close)
        end.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            end.cancel()
            end.join()


def test_a_silent_seeder_does_not_hang_its_caller() -> None:
    """Who takes the connection and says nothing is given up when the deadline has passed."""
    with silent_seeder() as url:
        client = SeederClient(SeederAddress(url, "token", None, "remote"), timeout_s=0.2)

        with pytest.raises(SeederUnreachable, match="did not answer in time"):
            client.version()

        client.close()


def test_a_session_gives_up_on_a_silent_seeder_soon(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeding may take long, greeting may not: who does not say who he is within seconds is not waited for."""
    monkeypatch.setattr(_connect, "GREET_TIMEOUT_S", 0.2)
    suite.write(FOUR)
    with silent_seeder() as url:
        monkeypatch.setenv("ATDM_URL", url)
        result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*did not answer in time (GET /version*"])


def test_somebody_else_at_the_address_is_told_apart(suite: Suite) -> None:
    """An answer that is not a seeder's is said to be none."""
    client = SeederClient(SeederAddress(suite.address.url + "/nowhere", suite.address.token, None, "remote"))

    with pytest.raises(Exception, match="nothing at this address") as caught:
        client.version()

    assert not isinstance(caught.value, SeederFailed)
    client.close()
