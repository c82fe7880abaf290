"""The seeder as seen from the test process: one method per call, bytes out, values in, every error from the tree.

Requests go straight to a transport: without the client's cookies, redirects and proxies a call costs a third less, and
no proxy of the environment stands between a test and its seeder.
"""

from __future__ import annotations

import contextlib
import json
import time
from itertools import chain
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias, TypeVar, cast
from urllib.parse import quote

from pytest_atdm import __version__
from pytest_atdm.core import wire
from pytest_atdm.core.audit_check import LogVerdict
from pytest_atdm.core.baseline import Baseline, Progress, RestoreReport
from pytest_atdm.core.coverage import Use
from pytest_atdm.core.errors import (
    AtdmError,
    DatabaseUnavailable,
    InvalidRequest,
    NotFound,
    SeederFailed,
    SeederUnreachable,
    error_for_code,
)
from pytest_atdm.core.model import (
    PLAN_FORMAT,
    Cell,
    Finding,
    ReapedRun,
    Receipt,
    ResetReport,
    RowsNow,
    StartedRun,
    TargetState,
    Trial,
)
from pytest_atdm.core.ulid import is_ulid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import httpx

    from pytest_atdm._sidecar import SeederAddress
    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.schema import Schema
    from pytest_atdm.core.volume import Batch

Json: TypeAlias = "dict[str, Cell]"
#: Is told how far a long call has come.
Tell: TypeAlias = "Callable[[Progress], None]"
Value = TypeVar("Value")

NDJSON: Final = "application/x-ndjson"
CONNECT_TIMEOUT_S: Final = 3.0
#: A seeder that has not said yet how long it may take.
ANSWER_TIMEOUT_S: Final = 45.0
#: A call that may be repeated is, while Postgres is away, as after a restart; keys keep it from being done twice.
RETRY_PAUSES_S: Final = (0.2, 0.4, 0.8, 1.6, 3.2)
RETRY_S: Final = 10.0
#: Where five foreign keys refer to each row two cores remove 70,000; where one of them has no index, some hundreds.
SLOWEST_ROWS_PER_S: Final = 200
#: What reads a whole log may be waited for as long as for so many rows: a quarter of an hour, some 100 million events.
MANY_EVENTS: Final = 180_000
_ADVICE: Final = {
    "remote": "start the seeder at this address, or unset ATDM_URL to have one started",
    "database": "it was started by this session and has ended: see the logs in .atdm/",
    "embedded": "it was started by this session and has ended: see the logs in .atdm/",
}


def load_httpx() -> None:
    """Import httpx, which takes a tenth of a second, while there is something else to wait for."""
    import httpx  # noqa: F401  (lazy: startup)


class SeederClient:
    """Calls the seeder at *address*, each call within *timeout_s* seconds between two bytes of its answer.

    Where *timeout_s* is None it is 45, until a run is started: then the seeder has said how long it may take to answer.

    Errors: ``SeederUnreachable`` where nobody answers, ``SeederFailed`` where the answer makes no sense, and whatever
    the seeder's problem document names. A call that may be repeated is, once, when the connection breaks under it, and
    for some seconds while the seeder cannot reach its database.
    """

    def __init__(self, address: SeederAddress, timeout_s: float | None = None) -> None:
        import httpx  # lazy: startup

        from pytest_atdm._transport import OneConnection  # lazy: it imports httpx

        self._httpx = httpx
        self._address = address
        self._url = httpx.URL(address.url)
        self._prefix = self._url.raw_path.rstrip(b"/")
        self._headers = {"Host": self._url.netloc.decode(), "Authorization": f"Bearer {address.token}"}
        self._is_told = timeout_s is not None
        self._timeout_s = ANSWER_TIMEOUT_S if timeout_s is None else timeout_s
        connect_s = min(CONNECT_TIMEOUT_S, self._timeout_s)
        self._transport = OneConnection(self._url, connect_s=connect_s, read_s=self._timeout_s)
        self._many_rows = 0  # that a reset may have to remove
        self._epochs: dict[str, int] = {}  # of the runs that were started here: what is written for another is refused

    def expect_live_rows(self) -> None:
        """Have resets wait for as long as removing all rows of all runs may take."""
        found = [run.get("live_rows") for run in self.runs()]
        self._many_rows = sum(rows for rows in found if isinstance(rows, int))

    @contextlib.contextmanager
    def _waiting_for(self, rows: int) -> Iterator[None]:
        """Within the block, wait for an answer for as long as *rows* may take to be written or removed."""
        self._transport.read_s = self._timeout_s + rows / SLOWEST_ROWS_PER_S
        try:
            yield
        finally:
            self._transport.read_s = self._timeout_s

    def greet(self) -> None:
        """See that a seeder answers, and that it reads the plans of this version; its database is not asked.

        Raises:
            SeederFailed: it is no seeder, or one of another version; says which side is to be upgraded.
        """
        found = self.version()
        theirs = found.get("plan_format")
        if theirs == PLAN_FORMAT:
            return
        if not isinstance(theirs, int):
            raise SeederFailed(
                f"what answers at {self._address.url} is no seeder: GET /version says {json.dumps(found)[:200]}",
                hint="see that the address is a seeder's",
            )
        side = "the seeder" if theirs < PLAN_FORMAT else "pytest-atdm here"
        raise SeederFailed(
            f"the seeder at {self._address.url} (version {found.get('version')}) reads plans of format {theirs}, and "
            f"pytest-atdm {__version__} here writes format {PLAN_FORMAT}",
            hint=f"upgrade {side}, so that both are of the same version",
        )

    def schema(self) -> Schema:
        """Return the target's schema, introspected afresh."""
        return wire.load_schema(self._call("GET", "/target/schema"))

    def try_plan(self, plan: Plan) -> Trial:
        """Have *plan* written, removed and rolled back; return what the database said."""
        return _read(self._call("POST", "/target/trials", wire.dump_plan(plan)), Trial)

    def list_rows(self, tables: Sequence[str], *, limit: int) -> dict[str, list[Json]]:
        """Return the first rows of each of *tables* (ids) that stand in the target."""
        found = self._call_json("POST", "/target/rows", wire.dump({"tables": list(tables), "limit": limit}))
        return cast("dict[str, list[Json]]", found["rows"])

    def state(self, tables: Sequence[str]) -> TargetState:
        """Return what can be compared before and after: the content of *tables* (ids), relations, sequences."""
        return _read(self._call("POST", "/target/state", wire.dump({"tables": list(tables)})), TargetState)

    def judge_rows(self, table: str, constraint: str, rows: Sequence[Mapping[str, Cell]]) -> list[bool]:
        """Return for each row whether the CHECK *constraint* of *table* lets it pass; Postgres evaluates it."""
        body = wire.dump({"table": table, "constraint": constraint, "rows": list(rows)})
        return cast("list[bool]", self._call_json("POST", "/target/verdicts", body)["verdicts"])

    def role(self) -> Json:
        """Return the role that seeding and reset run as, and what it may do beyond that."""
        return self._call_json("GET", "/target/role")

    def version(self) -> Json:
        """Return what the seeder says of its version."""
        return self._call_json("GET", "/version")

    def start_run(self, *, run_id: str, keep_s: int | None = None, **values: Cell) -> StartedRun:
        """Start the run *run_id*, or find it started with the same values.

        *values* are further fields of ``POST /runs``. Its lease is to be renewed, or lasts *keep_s* seconds.
        """
        body = {"run_id": run_id, **values} | ({"keep_s": keep_s} if keep_s else {})
        started = _read(self._call("POST", "/runs", wire.dump(body)), StartedRun)
        self._epochs[run_id] = started.epoch
        if not self._is_told:
            self._timeout_s = self._transport.read_s = started.answer_s
        return started

    def renew_lease(self, run_id: str, epoch: int) -> str:
        """Let the lease of the run begin anew; return the moment when it lapses. Called again soon."""
        path = f"/runs/{_check_id('run', run_id)}/heartbeat"
        return str(self._call_json("POST", path, wire.dump({"epoch": epoch}), again=False)["expires_at"])

    def reap(self, run_id: str | None = None) -> list[ReapedRun]:
        """End the run for its owner, whatever its lease, or all whose lease has lapsed; return what that removed."""
        body = wire.dump({"run_id": _check_id("run", run_id)} if run_id else {})
        with self._waiting_for(self._many_rows):
            return _read_list(self._call("POST", "/runs/reap", body), ReapedRun)

    def seed_reference(self, domain: str, *, run_id: str | None = None) -> Json:
        """Write the reference rows of *domain* where they lack or differ; return the counts by table.

        What changed stands in the audit log of the run *run_id*, or of one that is made for it.
        """
        body = {"domain": domain, "run_id": run_id} if run_id else {"domain": domain}
        return self._call_json("POST", "/test-data/reference", wire.dump(body))

    def seed(self, plan: Plan, *, idempotency_key: str, context: Mapping[str, Cell] | None = None) -> Receipt:
        """Write the rows of *plan*; the same key and plan give the same rows again, never twice."""
        body = wire.dump_plan(plan)
        headers = self._seed_headers(plan.run_id, body, idempotency_key, context)
        return _read(self._call("POST", "/internal/scenarios/seed", body, headers), Receipt)

    def seed_volumes(
        self,
        plan: Plan,
        batches: Iterable[Batch],
        *,
        idempotency_key: str,
        context: Mapping[str, Cell] | None = None,
    ) -> Receipt:
        """Write the rows of *plan* and *batches*, which are made while those before them are being written."""
        rows = sum(volume.rows for volume in plan.volumes)
        self._many_rows += rows
        body = wire.dump_plan(plan)
        headers = self._seed_headers(plan.run_id, body, idempotency_key, context)
        target = f"{self._prefix.decode()}/internal/scenarios/volumes".encode()
        headers |= {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
        sent = {**self._headers, **headers}
        request = self._httpx.Request("POST", self._url, headers=sent, extensions={"target": target})
        try:
            with self._waiting_for(rows):
                answer = self._transport.stream(request, _frame(body, batches))
        except self._httpx.TransportError as exc:
            raise self._unreachable("POST", "/internal/scenarios/volumes", exc) from exc
        return _read(self._checked("POST /internal/scenarios/volumes", answer), Receipt)

    def request(self, scenario: str, **settings: Cell) -> Receipt:
        """Have the seeder plan and write *scenario*; *settings* are further fields of ``POST /test-data/requests``."""
        body = wire.dump({"scenario": scenario, **settings})
        return _read(self._call("POST", "/test-data/requests", body, again="request_key" in settings), Receipt)

    def reset(self, request_id: str, token: str, events: Sequence[Json] = ()) -> ResetReport:
        """Remove the rows of a request and what hangs below them; *events* are appended before."""
        body = wire.dump({"events": list(events)}) if events else b""
        headers = {"ATDM-Cleanup-Token": _to_ascii(token)}
        path = f"/test-data/requests/{_check_id('request', request_id)}"
        with self._waiting_for(self._many_rows):
            return _read(self._call("DELETE", path, body, headers), ResetReport)

    def rows_now(self, request_id: str) -> RowsNow:
        """Return what has become of a request's rows, and what has come below them."""
        return _read(self._call("GET", f"/test-data/requests/{_check_id('request', request_id)}/rows"), RowsNow)

    def append_events(self, request_id: str, token: str, events: Sequence[Json]) -> None:
        """Append *events* (kind and detail, of ``CLIENT_EVENTS``) to the request's audit trail."""
        path = f"/test-data/requests/{_check_id('request', request_id)}/events"
        headers = {"ATDM-Cleanup-Token": _to_ascii(token)}
        self._call("POST", path, wire.dump({"events": list(events)}), headers, again=False)

    def reset_run(self, run_id: str) -> ResetReport:
        """Reset every live request of the run and end it."""
        with self._waiting_for(self._many_rows):
            return _read(self._call("DELETE", f"/runs/{_check_id('run', run_id)}"), ResetReport)

    def reset_all(self, *, force: bool = False) -> ResetReport:
        """Reset every live request of every run; *force* those, too, of runs that somebody is at work on.

        Raises:
            Conflict: somebody is, and *force* is False.
        """
        with self._waiting_for(self._many_rows):
            return _read(self._call("DELETE", f"/runs{'?force=true' if force else ''}"), ResetReport)

    def verify_audit(self, expected: str | None) -> LogVerdict:
        """Have the whole audit log read and judged; *expected* is a checkpoint that it must fit."""
        query = f"?expect={quote(expected)}" if expected else ""
        with self._waiting_for(MANY_EVENTS):
            return _read(self._call("GET", f"/audit/verification{query}"), LogVerdict)

    def audit(self, run_id: str) -> Json:
        """Return the run with its events and whether their chain is intact."""
        return self._call_json("GET", f"/audit/runs/{_check_id('run', run_id)}")

    def coverage(self, commit: str = "") -> list[Use]:
        """Return what each test came to, by scenario, at its newest commit, or the newest that begins with *commit*."""
        query = f"?commit={quote(commit, safe='')}" if commit else ""
        return _read_list(self._call("GET", f"/coverage{query}"), Use)

    def runs(self, limit: int = 50) -> list[Json]:
        """Return at most *limit* runs, newest first."""
        return _parse_list(self._call("GET", f"/runs?limit={limit}"))

    def baselines(self) -> list[Baseline]:
        """Return all baselines, by name."""
        return _read_list(self._call("GET", "/baselines"), Baseline)

    def baseline(self, name: str) -> Baseline:
        """Return the baseline *name*."""
        return _read(self._call("GET", f"/baselines/{_quote_name(name)}"), Baseline)

    def take_baseline(self, name: str, *, actor: str, tables: Sequence[str] = (), tell: Tell) -> Baseline:
        """Have all tables of the target, or *tables*, kept under *name* as they are now; *tell* hears how far it is."""
        body = wire.dump({"name": name, "tables": list(tables), "actor": actor})
        return self._call_long("POST", "/baselines", body, Baseline, tell)

    def compare_baseline(self, name: str, *, tell: Tell) -> RestoreReport:
        """Return what a restore of the baseline would change."""
        return self._call_long("GET", f"/baselines/{_quote_name(name)}/diff", b"", RestoreReport, tell)

    def restore_baseline(self, name: str, *, actor: str, force: bool = False, tell: Tell) -> RestoreReport:
        """Have the target's tables brought to the rows of the baseline, all or nothing."""
        body = wire.dump({"force": force, "actor": actor})
        return self._call_long("POST", f"/baselines/{_quote_name(name)}/restore", body, RestoreReport, tell)

    def drop_baseline(self, name: str, *, actor: str) -> list[Baseline]:
        """Have the baseline removed, and return those that are left."""
        path = f"/baselines/{_quote_name(name)}"
        return _read_list(self._call("DELETE", path, wire.dump({"actor": actor}), again=False), Baseline)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _call_long(self, method: str, path: str, body: bytes, kind: type[Value], tell: Tell) -> Value:
        """Make a call that says now and then how far it is; it may take hours, and is not repeated."""
        headers = {**self._headers, "Accept": NDJSON}
        if body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        request = self._httpx.Request(
            method,
            self._url,
            headers=headers,
            stream=self._httpx.ByteStream(body),
            extensions={"target": self._prefix + path.encode()},
        )
        try:
            response = self._transport.listen(request, lambda line: _hear(line, tell))
        except self._httpx.TransportError as exc:
            raise self._unreachable(method, path, exc) from exc
        last = self._checked(f"{method} {path}", response).splitlines()[-1:]
        answer = _open_last_line(f"{method} {path}", last)
        if answer is None:
            raise self._unreachable(method, path, self._httpx.RemoteProtocolError("it broke off before the end"))
        return _read(answer, kind)

    def _seed_headers(self, run_id: str, body: bytes, key: str, context: Mapping[str, Cell] | None) -> dict[str, str]:
        headers = {"ATDM-Plan-Hash": wire.plan_hash(body), "Idempotency-Key": _to_ascii(key)}
        if epoch := self._epochs.get(run_id):
            headers["ATDM-Run-Epoch"] = str(epoch)
        return {**headers, "ATDM-Context": json.dumps(dict(context))} if context else headers

    def _call_json(self, method: str, path: str, body: bytes = b"", *, again: bool = True) -> Json:
        found = _parse(self._call(method, path, body, again=again))
        if not isinstance(found, dict):
            raise _nonsense(f"{method} {path} was expected to answer with an object")
        return found

    def _call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *, again: bool = True
    ) -> bytes:
        target = self._prefix + path.encode()
        sent = {**self._headers, **(headers or {})}
        if body:
            sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        deadline = time.monotonic() + RETRY_S
        for pause_s in (*(RETRY_PAUSES_S if again else ()), None):
            started = time.monotonic()
            try:
                response = self._exchange(method, target, body, sent, again=again)
            except self._httpx.TransportError as exc:
                raise self._unreachable(method, path, exc) from exc
            try:
                return self._checked(f"{method} {path}", response)
            except DatabaseUnavailable:
                now = time.monotonic()
                if pause_s is None or now + pause_s + (now - started) > deadline:
                    raise
            time.sleep(pause_s)
        raise AssertionError

    def _checked(self, call: str, response: httpx.Response) -> bytes:
        status = response.status_code
        if status >= self._httpx.codes.BAD_REQUEST or not self._httpx.codes.is_success(status):
            _raise_problem(call, status, response.headers.get("content-type", ""), response.read())
        return response.read()

    def _exchange(
        self, method: str, target: bytes, body: bytes, headers: dict[str, str], *, again: bool
    ) -> httpx.Response:
        # A stream, and a target beside the URL: what httpx does with content and a new URL takes 0.2 ms a test.
        stream, where = self._httpx.ByteStream(body), {"target": target}
        request = self._httpx.Request(method, self._url, headers=headers, stream=stream, extensions=where)
        try:
            return self._transport.handle_request(request)
        except (self._httpx.NetworkError, self._httpx.RemoteProtocolError) as exc:
            # Only now does a kept connection show that it was closed. Who refuses a new connection is not there.
            if not again or isinstance(exc, self._httpx.ConnectError):
                raise
            return self._exchange(method, target, body, headers, again=False)

    def _unreachable(self, method: str, path: str, exc: httpx.TransportError) -> AtdmError:
        what = "did not answer in time" if isinstance(exc, self._httpx.TimeoutException) else "cannot be reached"
        return SeederUnreachable(
            f"the seeder at {self._address.url} {what} ({method} {path}: {str(exc) or type(exc).__name__})",
            hint=_ADVICE[self._address.origin],
        )


def _frame(plan: bytes, batches: Iterable[Batch]) -> Iterator[bytes]:
    """Yield the body of a plan with volumes: each content after its length in 8 bytes, and an empty one at the end."""
    from pytest_atdm.core.volume import encode  # lazy: startup

    for content in chain([plan], map(encode, batches), [b""]):
        yield len(content).to_bytes(8, "big") + content


def _hear(line: bytes, tell: Tell) -> None:
    found = _parse(line) if line.startswith(b'{"progress"') else None
    if isinstance(found, dict) and isinstance(found["progress"], dict):
        tell(_read(json.dumps(found["progress"]).encode(), Progress))


def _open_last_line(call: str, last: list[bytes]) -> bytes | None:
    """Return the answer in the last line of a long call; None where the line is not the last that was to come.

    Raises:
        AtdmError: the line says a problem, which is this one.
    """
    found: Cell = None
    if last:
        with contextlib.suppress(SeederFailed):  # half a line is none
            found = _parse(last[0])
    if isinstance(found, dict) and isinstance(problem := found.get("problem"), dict):
        _raise_as_error(call, problem)
    return json.dumps(found["answer"]).encode() if isinstance(found, dict) and "answer" in found else None


def _quote_name(name: str) -> str:
    return quote(name, safe="")


def _check_id(kind: str, text: str) -> str:
    """Return *text* where it is a ULID; all else is no id, and as a part of a path might lead elsewhere (``..``)."""
    if not is_ulid(text):
        raise NotFound(f"there is no {kind} {text!r}", hint="ids are ULIDs: 26 characters, as the receipt has them")
    return text


def _to_ascii(text: str) -> str:
    """Return *text* as a header can carry it, distinct texts distinct: escapes for all but printable ASCII."""
    return text.encode("unicode_escape").decode("ascii")


def _parse(answer: bytes) -> Cell:
    try:
        found: Cell = json.loads(answer)
    except ValueError as exc:
        raise _nonsense(f"the answer is not JSON: {answer[:80]!r}") from exc
    return found


def _parse_list(answer: bytes) -> list[Json]:
    found = _parse(answer)
    if not isinstance(found, list):
        raise _nonsense("a list was expected")
    return [one for one in found if isinstance(one, dict)]


def _read(answer: bytes, kind: type[Value]) -> Value:
    try:
        return wire.load_lenient(answer, kind, what=f"the {kind.__name__}")
    except InvalidRequest as exc:
        raise _nonsense(exc.message) from exc


def _read_list(answer: bytes, kind: type[Value]) -> list[Value]:
    return [_read(json.dumps(one).encode(), kind) for one in _parse_list(answer)]


def _nonsense(what: str) -> SeederFailed:
    return SeederFailed(f"the seeder's answer makes no sense: {what}", hint="see whether its version is this one's")


def _raise_problem(call: str, status: int, kind: str, answer: bytes) -> NoReturn:
    if not kind.startswith("application/problem+json"):
        raise SeederFailed(
            f"{call} was answered with status {status} and no problem document: {answer[:200]!r}",
            hint="see that the address is a seeder's, and read its log",
        )
    problem = _parse(answer)
    if not isinstance(problem, dict):
        raise _nonsense("a problem document was expected")
    _raise_as_error(f"{call}: status {status}", problem)


def _raise_as_error(call: str, problem: Json) -> NoReturn:
    findings = problem.get("findings")
    raise error_for_code(str(problem.get("code")))(
        str(problem.get("detail") or problem.get("title") or call),
        hint=str(problem.get("hint") or "read the seeder's log"),
        findings=[_read_finding(item) for item in findings] if isinstance(findings, list) else (),
    )


def _read_finding(item: Cell) -> Finding:
    return _read(json.dumps(item).encode(), Finding)
