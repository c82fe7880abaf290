"""The client against a real seeder: values in, errors of the tree out, one connection, repeated where that is safe."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_atdm._client import SeederClient
from pytest_atdm._sidecar import SeederAddress
from pytest_atdm.core.errors import (
    DatabaseBusy,
    DatabaseUnavailable,
    NotFound,
    OverrideError,
    SeederError,
    SeederFailed,
    SeederUnreachable,
    Unauthorized,
)
from pytest_atdm.core.model import PLAN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.plugin.conftest import Suite

RUN_ID = "01JD0000000000000000000088"


@pytest.fixture
def client(suite: Suite) -> Iterator[SeederClient]:
    """A client of the seeder."""
    with suite.open_client() as client:
        yield client


def test_problem_documents_become_errors_of_the_tree(client: SeederClient) -> None:
    """Class, message and hint are the seeder's."""
    with pytest.raises(OverrideError, match="days_late") as caught:
        client.request("overdue_loan", overrides={"days_late": 0})
    assert "1" in caught.value.hint

    with pytest.raises(NotFound):
        client.audit("01JD0000000000000000009999")


def test_a_wrong_token_is_unauthorized(suite: Suite) -> None:
    """The bearer token is checked on every call but the open ones."""
    client = SeederClient(SeederAddress(suite.address.url, "wrong", None, "remote"))

    assert client.version()["version"]
    with pytest.raises(Unauthorized):
        client.schema()
    client.close()


def test_a_request_by_intent_comes_and_goes(client: SeederClient) -> None:
    """Receipt and report say what stands and what was removed."""
    receipt = client.request("overdue_loan", request_key="a", as_of="2026-01-31")

    assert receipt.as_of == "2026-01-31"
    assert receipt.rows == 3
    report = client.reset(receipt.request_id, receipt.cleanup_token)
    assert sum(report.seeded.values()) == 3
    assert client.reset(receipt.request_id, receipt.cleanup_token).already


def test_a_run_is_started_listed_and_ended(client: SeederClient) -> None:
    """Starting it twice with the same values is the same run."""
    first, again = (
        client.start_run(run_id=RUN_ID, session_id=RUN_ID, actor="test", as_of="2026-01-31", seed=1) for _ in range(2)
    )

    assert first == again
    assert RUN_ID in {run["run_id"] for run in client.runs()}
    client.reset_run(RUN_ID)
    assert next(run for run in client.runs() if run["run_id"] == RUN_ID)["state"] == "ended"


#: It says that the connection ends with it: a client that found out only at its next call would make one call less.
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


def serve_raw(replies: list[bytes]) -> tuple[SeederAddress, list[bytes], Callable[[], None]]:
    """Serve one connection per reply and close it after that; an empty reply closes without a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)  # a call that never comes fails the test, and does not hang it
    heard: list[bytes] = []

    def serve() -> None:
        for reply in replies:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(65_536))
                connection.sendall(reply)
        listener.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address = SeederAddress(f"http://127.0.0.1:{listener.getsockname()[1]}", "token", None, "remote")
    return address, heard, thread.join


def test_a_broken_connection_is_tried_once_more() -> None:
    """The kept connection of a seeder that restarted costs nobody an error; a second break does."""
    address, heard, join = serve_raw([b"", ANSWER, b"", b""])
    client = SeederClient(address, timeout_s=5)

    assert client.version() == {}
    with pytest.raises(SeederUnreachable):
        client.version()

    join()
    assert len(heard) == 4
    client.close()


def answer_problem(code: str) -> bytes:
    """A problem document with that code, after which the connection is closed."""
    body = json.dumps({"code": code, "detail": "Postgres is away", "hint": "wait"}).encode()
    head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


def test_a_database_that_is_away_for_a_moment_is_waited_for() -> None:
    """The call is made again with the same key; a restart of Postgres costs nobody an error."""
    address, heard, join = serve_raw([answer_problem("database_unavailable")] * 2 + [ANSWER])
    client = SeederClient(address, timeout_s=5)

    assert client.version() == {}

    join()
    assert [heard[0]] * 3 == heard
    client.close()


@pytest.mark.parametrize(
    ("error", "replies"), [(DatabaseUnavailable, ["database_unavailable"] * 6), (DatabaseBusy, ["database_busy"])]
)
def test_the_wait_for_a_database_has_an_end(error: type[SeederError], replies: list[str]) -> None:
    """Who is away for long is an error in the end; who is busy has tried again already."""
    address, heard, join = serve_raw([answer_problem(code) for code in replies])
    client = SeederClient(address, timeout_s=5)

    with pytest.raises(error, match="Postgres is away") as caught:
        client.version()

    join()
    assert ("wait", len(replies)) == (caught.value.hint, len(heard))
    client.close()


def test_who_is_no_seeder_is_told_at_the_greeting() -> None:
    """Another service's JSON is named with its address, before anything else is asked."""
    address, _, join = serve_raw([ANSWER])
    client = SeederClient(address, timeout_s=5)

    with pytest.raises(SeederFailed, match=f"{address.url} is no seeder: "):
        client.greet()

    join()
    client.close()


@pytest.mark.parametrize(("theirs", "side"), [(PLAN_FORMAT - 1, "the seeder"), (PLAN_FORMAT + 1, "pytest-atdm here")])
def test_the_greeting_says_which_side_is_to_be_upgraded(theirs: int, side: str) -> None:
    """A seeder of other plans is named with its version and ours; the older side is the one to upgrade."""
    body = json.dumps({"version": "9.8.7", "plan_format": theirs}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    address, _, join = serve_raw([head + body])
    client = SeederClient(address, timeout_s=5)

    with pytest.raises(
        SeederFailed, match=f"version 9.8.7.*format {theirs}, and pytest-atdm .* {PLAN_FORMAT}"
    ) as caught:
        client.greet()

    assert f"upgrade {side}, so that both are of the same version" == caught.value.hint
    join()
    client.close()


def test_what_must_not_happen_twice_is_not_repeated() -> None:
    """Appending events has no key: a broken connection is an error at once."""
    address, heard, join = serve_raw([b""])
    client = SeederClient(address, timeout_s=5)

    with pytest.raises(SeederUnreachable):
        client.append_events(RUN_ID, "token", [{"kind": "consumed_by_test", "detail": {}}])

    join()
    assert len(heard) == 1
    client.close()


@pytest.mark.parametrize("name", ["../../runs", "..", ".", "", "a/b?c#d", "ä b", RUN_ID.lower()])
def test_what_is_no_id_goes_nowhere(name: str) -> None:
    """A path is made of ids only: ``../../runs`` for a request would be every row of every run."""
    client = SeederClient(SeederAddress("http://127.0.0.1:1", "token", None, "remote"))  # whoever calls it finds nobody
    calls = (
        lambda: client.reset(name, "token"),
        lambda: client.append_events(name, "token", []),
        lambda: client.reset_run(name),
        lambda: client.audit(name),
    )

    for call in calls:
        with pytest.raises(NotFound, match="there is no"):
            call()


def test_a_cleanup_token_of_any_text_is_only_wrong(client: SeederClient) -> None:
    """What no header can carry is sent escaped, and belongs to no request."""
    receipt = client.request("overdue_loan", request_key="b", as_of="2026-01-31")

    with pytest.raises(Unauthorized):
        client.reset(receipt.request_id, "tökén\n")

    client.reset(receipt.request_id, receipt.cleanup_token)


def test_an_answer_that_makes_no_sense_is_said_to_be_one() -> None:
    """Neither JSON that is none nor an error without a problem document gets through as something else."""
    page = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nsick"
    address, _, join = serve_raw([ANSWER.replace(b"{}", b"{,"), page])
    client = SeederClient(address, timeout_s=5)

    with pytest.raises(SeederFailed, match="not JSON"):
        client.version()
    with pytest.raises(SeederFailed, match="status 502"):
        client.version()

    join()
    client.close()
