"""What the seeder does, one verb each. No HTTP and no SQL: routes and pages call this, this calls the database."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_atdm import __version__
from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.audit_check import parse_checkpoint
from pytest_atdm.core.errors import (
    AtdmError,
    InvalidRequest,
    NotFound,
    PlanRejected,
    RowConflict,
    RowRefused,
    SchemaMismatch,
    UsageError,
)
from pytest_atdm.core.model import Finding, Receipt, Trial
from pytest_atdm.core.ulid import is_ulid, make_ulid
from pytest_atdm.core.wire import dump_plan, load_plan, load_trial, plan_hash
from seeder.batches import decode_batches, grow_batches, judge_batches, look_ahead, read_frames
from seeder.gates import Gates
from seeder.gathering import gather_entities
from seeder.records import NewEvent, ReferenceTable, RunStart, SeedCall, SeedCommand
from seeder.settings import CONNECT_S, command_timeout_s
from seeder.wishes import KEEP_S, WishPlanner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from pytest_atdm.core.audit_check import LogVerdict
    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.catalog import ReferenceTable as CatalogTable
    from pytest_atdm.core.coverage import Use
    from pytest_atdm.core.model import Cell, Plan, ReapedRun, ResetReport, RowsNow, TargetState
    from pytest_atdm.core.schema import Schema
    from pytest_atdm.core.volume import Batch
    from seeder.db.database import Database
    from seeder.export import Exporter
    from seeder.metrics import Counters
    from seeder.reaper import Reaper
    from seeder.records import (
        AuditTrail,
        Lease,
        ReferenceReport,
        RequestRecord,
        RunRecord,
        SeedOutcome,
        WorkingRole,
    )
    from seeder.settings import Settings
    from seeder.wishes import Wish

TOKEN_BYTES: Final = 32
#: What an answer takes beside Postgres, and the end of what Postgres did not answer.
ANSWER_MARGIN_S: Final = 3.0


class Seeder:
    """The use cases over one database and one catalog. Errors are those of the tree, raised as they come."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        settings: Settings,
        counters: Counters,
        reaper: Reaper,
        exporter: Exporter | None = None,
    ) -> None:
        self._database = database
        self._reaper = reaper
        self._exporter = exporter
        self._catalog = catalog
        self._settings = settings
        self._counters = counters
        self._gates = Gates(database, catalog)
        self._wishes = WishPlanner(database, catalog, self._gates)

    @property
    def version(self) -> str:
        """The version of the package."""
        return __version__

    @property
    def answer_s(self) -> float:
        """The seconds within which every call is answered, be it that Postgres does not answer."""
        return CONNECT_S + command_timeout_s(self._settings) + ANSWER_MARGIN_S

    async def ping(self) -> None:
        """Return once Postgres has answered."""
        await self._database.ping()

    async def render_metrics(self) -> str:
        """Return the metrics as Prometheus text."""
        return self._counters.render(await self._database.metrics())

    async def read_schema(self) -> Schema:
        """Return the target's schema as it is now."""
        return await self._database.read_schema()

    async def read_role(self) -> WorkingRole:
        """Return the role that seeding and reset run as."""
        return await self._database.read_role()

    async def try_plan(self, body: bytes) -> Trial:
        """Return what the database says to the plan in *body*; nothing of it is kept.

        Raises:
            PlanRejected, InvalidRequest, SchemaMismatch: as ``seed_plan``; the database was not asked.
            CatalogError: the catalog has not the plan's domain.
        """
        plan = load_trial(body)
        gate = self._gates.of(await self._schema_of(plan), plan.domain)
        self._check_budget(plan)
        gate.approve(plan)
        outcome = await self._database.try_plan(plan)
        entities = gather_entities(plan, outcome.rows, gate.rulebook.schema) if outcome.rows else {}
        return Trial(refusal=outcome.refusal, entities=entities, made=outcome.made, residue=outcome.residue)

    async def list_rows(self, tables: Sequence[str], limit: int) -> Mapping[str, tuple[Mapping[str, Cell], ...]]:
        """Return the first *limit* rows of each table."""
        return await self._database.list_rows(tables, limit)

    async def read_state(self, tables: Sequence[str]) -> TargetState:
        """Return what of the target can be compared before and after, with the content of *tables*."""
        return await self._database.read_state(tables)

    async def judge_rows(self, table: str, constraint: str, rows: Sequence[Mapping[str, Cell]]) -> tuple[bool, ...]:
        """Return of each row whether the CHECK *constraint* would let it pass."""
        return await self._database.judge_rows(table, constraint, rows)

    async def start_run(self, run: RunStart) -> RunRecord:
        """Record *run*; the same again changes nothing."""
        return await self._database.start_run(run)

    async def renew_lease(self, run_id: str, epoch: int) -> Lease:
        """Let the lease of the run begin anew."""
        return await self._database.renew_lease(require_ulid(run_id, "run"), epoch)

    async def reap(self, run_id: str | None) -> tuple[ReapedRun, ...]:
        """End for its owner the run, whatever its lease; without an id all runs whose lease has lapsed."""
        if run_id is None:
            return await self._reaper.reap_lapsed()
        return await self._reaper.reap_run(run_id)

    async def list_runs(self, *, limit: int, before: str | None = None) -> tuple[RunRecord, ...]:
        """Return at most *limit* runs, newest first, older than the run *before*."""
        return await self._database.list_runs(limit=limit, before=before)

    async def read_run(self, run_id: str) -> RunRecord:
        """Return one run."""
        return await self._database.read_run(require_ulid(run_id, "run"))

    async def read_request(self, request_id: str) -> RequestRecord:
        """Return one request."""
        return await self._database.read_request(require_ulid(request_id, "request"))

    async def read_rows_now(self, request_id: str) -> RowsNow:
        """Return what has become of a request's rows, and what has come below them."""
        return await self._database.read_rows_now(require_ulid(request_id, "request"))

    async def read_audit(self, run_id: str) -> AuditTrail:
        """Return a run with its events, the chain of hashes checked."""
        return await self._database.read_events(require_ulid(run_id, "run"))

    async def read_coverage(self, commit: str) -> tuple[Use, ...]:
        """Return what each test came to at its newest commit, or the newest that begins with *commit*."""
        return await self._database.read_coverage(commit)

    async def seed_reference(self, domain: str, *, run_id: str | None = None) -> ReferenceReport:
        """Bring the reference rows of *domain* to what the catalog says; repeated, it changes nothing.

        What changed stands in the run's audit log. Without *run_id* a run is started for it, and ended.
        """
        tables = self._catalog.domain(domain).reference
        ordered = order_reference(tables, await self._database.schema())
        if run_id is not None:
            return await self._database.seed_reference(run_id, domain, ordered)
        run = await self._start_own_run(actor="api")
        try:
            return await self._database.seed_reference(run.run_id, domain, ordered)
        finally:
            await self._database.reset_run(run.run_id)

    async def seed_plan(self, body: bytes, call: SeedCall) -> Receipt:
        """Write the plan in *body* and return the receipt, the only place where the cleanup token ever stands.

        Raises:
            PlanTampered, InvalidRequest: the bytes are not that plan, or it has too many rows.
            SchemaMismatch: it was made for another schema than the target's.
            PlanRejected: this seeder's own gate objects; the run's audit log says so.
        """
        started = time.perf_counter()
        try:
            receipt = await self._seed(load_plan(body, call.plan_hash), call)
        except AtdmError as error:
            self._count_failure(error, started)
            raise
        self._count_success(receipt, started)
        return receipt

    async def seed_volumes(self, chunks: AsyncIterator[bytes], call: SeedCall) -> Receipt:
        """Write the plan in the first frame of the body *chunks*, and the rows of its volumes, a batch in each other.

        Raises:
            As ``seed_plan``; whatever fails, nothing of it stays.
        """
        started = time.perf_counter()
        frames = read_frames(
            chunks, max_first_bytes=self._settings.max_body_bytes, max_bytes=self._settings.max_volume_bytes
        )
        try:
            plan = load_plan(await anext(frames, b""), call.plan_hash)
            receipt = await self._seed(plan, call, decode_batches(frames, plan))
        except AtdmError as error:
            self._count_failure(error, started)
            raise
        self._count_success(receipt, started)
        return receipt

    async def seed_wish(self, wish: Wish) -> Receipt:
        """Plan the situation here, and write it as ``seed_plan`` does."""
        started = time.perf_counter()
        try:
            run = await self._run_of(wish)
            request_key = wish.request_key or new_ulid()
            context = {"actor": wish.actor} if wish.actor else {}
            plan = await self._wishes.plan(wish, run, request_key)
            try:
                receipt = await self._seed_own(plan, request_key, context)
            except (RowConflict, RowRefused):
                better = await self._wishes.find_plan(wish, run, request_key)
                if better is None:
                    raise
                receipt = await self._seed_own(better, request_key, context)
        except AtdmError as error:
            self._count_failure(error, started)
            raise
        self._count_success(receipt, started)
        return receipt if wish.run_id else replace(receipt, kept_until=run.expires_at)

    async def _seed_own(self, plan: Plan, request_key: str, context: Mapping[str, Cell]) -> Receipt:
        """Write a plan that was made here, and the rows of its volumes, which are made here too."""
        rulebook = self._gates.of(await self._database.schema(), plan.domain).rulebook
        batches = grow_batches(plan, rulebook) if plan.volumes else None
        call = SeedCall(plan_hash=plan_hash(dump_plan(plan)), idempotency_key=request_key, context=context)
        return await self._seed(plan, call, batches)

    async def reset_request(self, request_id: str, token: str, events: Sequence[NewEvent] = ()) -> ResetReport:
        """Append *events*, then remove the request's rows and what hangs below them."""
        started = time.perf_counter()
        known = require_ulid(request_id, "request")
        return self._count_reset(await self._database.reset_request(known, hash_token(token), events), started)

    async def reset_run(self, run_id: str) -> ResetReport:
        """Reset what is live in the run, and end it."""
        started = time.perf_counter()
        return self._count_reset(await self._database.reset_run(require_ulid(run_id, "run")), started)

    async def reset_all(self, *, force: bool) -> ResetReport:
        """Reset what is live in any run; active runs stay active. Without *force* not while others are at work."""
        started = time.perf_counter()
        return self._count_reset(await self._database.reset_all(force=force), started)

    async def verify_audit(self, expected: str | None) -> LogVerdict:
        """Return whether the whole audit log is as it was written, and fits *expected* and the store's checkpoints.

        Raises:
            InvalidRequest: *expected* is no checkpoint.
            StoreUnavailable: what the store holds cannot be read; without it, the log is not verified.
        """
        given = [parse_checkpoint(expected)] if expected else []
        kept = await self._exporter.list_checkpoints() if self._exporter else ()
        return await self._database.verify_log([*given, *kept])

    async def append_events(self, request_id: str, token: str, events: Sequence[NewEvent]) -> None:
        """Append what the client reports to the audit log of the request's run."""
        await self._database.append_events(require_ulid(request_id, "request"), hash_token(token), events)

    def audit_url(self, run_id: str) -> str:
        """Return the address of the run's audit page."""
        return f"{self._settings.base_url.rstrip('/')}/ui/audit/{run_id}"

    async def _run_of(self, wish: Wish) -> RunRecord:
        if wish.run_id is not None:
            return await self._database.read_run(wish.run_id)
        return await self._start_own_run(
            actor=wish.actor or "api", seed=wish.seed or 0, as_of=wish.as_of, keep_s=wish.keep_s
        )

    async def _start_own_run(
        self, *, actor: str, seed: int = 0, as_of: datetime.date | None = None, keep_s: int = KEEP_S
    ) -> RunRecord:
        """Start a run for a caller that has none, and that nobody renews the lease of."""
        run_id = new_ulid()
        day = as_of or datetime.datetime.now(datetime.UTC).date()
        return await self._database.start_run(
            RunStart(run_id=run_id, session_id=run_id, actor=actor, seed=seed, as_of=day.isoformat(), keep_s=keep_s)
        )

    async def _seed(self, plan: Plan, call: SeedCall, batches: AsyncIterator[Batch] | None = None) -> Receipt:
        gate = self._gates.of(await self._schema_of(plan), plan.domain)
        try:
            self._check_budget(plan)
            gate.approve(plan)
            _check_volumes(plan, are_sent=batches is not None)
        except (InvalidRequest, PlanRejected) as refusal:
            await self._log_refusal(plan, call, refusal)
            raise
        token = secrets.token_urlsafe(TOKEN_BYTES)
        command = SeedCommand(
            request_id=new_ulid(),
            plan=plan,
            plan_hash=call.plan_hash,
            idempotency_key=call.idempotency_key,
            token_hash=hash_token(token),
            epoch=call.epoch,
            events=_events_before_seed(plan, call, gate.validators),
            context=call.context,
        )
        if batches is None:
            return self._receipt(command, token, gate.rulebook.schema, await self._database.seed(command))
        try:
            async with contextlib.aclosing(look_ahead(judge_batches(batches, gate, plan))) as judged:
                return self._receipt(command, token, gate.rulebook.schema, await self._database.seed(command, judged))
        except PlanRejected as refusal:
            await self._log_refusal(plan, call, refusal)
            raise

    def _check_budget(self, plan: Plan) -> None:
        if len(plan.rows) > self._settings.max_rows:
            raise InvalidRequest(
                f"the plan has {len(plan.rows)} rows, and a request may have {self._settings.max_rows}",
                hint="ask for fewer rows; several requests of one test may each have so many",
            )
        following = sum(volume.rows for volume in plan.volumes)
        if following > self._settings.max_volume_rows:
            raise InvalidRequest(
                f"the volumes have {following} rows, and a request may have {self._settings.max_volume_rows}",
                hint="ask for fewer rows",
            )

    async def _schema_of(self, plan: Plan) -> Schema:
        """Return the target's schema, which is the one that the plan was made for."""
        schema = await self._database.schema()
        if schema.fingerprint != plan.schema:
            schema = await self._database.read_schema()
        if schema.fingerprint != plan.schema:
            raise SchemaMismatch(
                f"the plan was made for the schema {plan.schema}, and the target has {schema.fingerprint}",
                hint="the target's schema has changed since: fetch GET /target/schema again and plan anew",
            )
        return schema

    async def _log_refusal(self, plan: Plan, call: SeedCall, refusal: AtdmError) -> None:
        rules: list[Cell] = [
            *dict.fromkeys(finding.rule for finding in refusal.findings if isinstance(finding, Finding))
        ]
        detail: dict[str, Cell] = {
            "scenario": plan.scenario,
            "request_key": plan.request_key,
            "plan_hash": call.plan_hash,
            "code": refusal.code,
            "findings": len(refusal.findings),
            "rules": rules,
            **call.context,
        }
        await self._database.append_run_events(plan.run_id, [NewEvent(kind=EventKind.REQUEST_REFUSED, detail=detail)])

    def _receipt(self, command: SeedCommand, token: str, schema: Schema, outcome: SeedOutcome) -> Receipt:
        plan = command.plan
        return Receipt(
            request_id=outcome.request_id,
            run_id=plan.run_id,
            request_key=plan.request_key,
            scenario=plan.scenario,
            plan_hash=command.plan_hash,
            as_of=plan.as_of,
            entities=gather_entities(plan, outcome.rows, schema),
            cleanup_token=token,
            audit_url=self.audit_url(plan.run_id),
            rows=len(plan.rows) + sum(volume.rows for volume in plan.volumes),
            replayed=outcome.replayed,
        )

    def _count_success(self, receipt: Receipt, started: float) -> None:
        seconds = time.perf_counter() - started
        if receipt.replayed:
            self._counters.count_request("replayed", seconds=seconds)
        else:
            self._counters.count_request("seeded", rows=receipt.rows, seconds=seconds)

    def _count_failure(self, error: AtdmError, started: float) -> None:
        result = "refused" if isinstance(error, UsageError) else "failed"
        self._counters.count_request(result, seconds=time.perf_counter() - started)  # type: ignore[arg-type]

    def _count_reset(self, report: ResetReport, started: float) -> ResetReport:
        self._counters.count_reset(report, seconds=time.perf_counter() - started)
        return report


def _check_volumes(plan: Plan, *, are_sent: bool) -> None:
    """See that the volumes fit the plan's rows, and that their rows follow.

    Raises:
        InvalidRequest: they do not.
    """
    for volume in plan.volumes:
        sample = [row.name for row in plan.rows if row.entity == volume.entity and row.table == volume.table]
        if sample != [f"{volume.entity}[{index}]" for index in range(volume.sample)] or not sample or volume.rows < 1:
            raise InvalidRequest(
                f'the volume "{volume.entity}" does not go on from the rows of the plan',
                hint="plan it with core.planner.plan, and send the plan unchanged",
            )
    if plan.volumes and not are_sent:
        raise InvalidRequest(
            f'the rows of the volume "{plan.volumes[0].entity}" do not follow the plan',
            hint="send plan and batches to POST /internal/scenarios/volumes",
        )


def new_ulid() -> str:
    """Return a ULID of now."""
    return make_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def require_ulid(id: str, kind: str) -> str:
    """Return *id*, which may be one of ours; Postgres need not be asked for anything else.

    Raises:
        NotFound: it has not the form of an id.
    """
    if not is_ulid(id):
        raise NotFound(f"there is no {kind} {id[:40]!r}", hint="ids are ULIDs: 26 characters, as the receipt has them")
    return id


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of a cleanup token: all that is ever stored of it."""
    return hashlib.sha256(token.encode()).digest()


def order_reference(tables: Sequence[CatalogTable], schema: Schema) -> tuple[ReferenceTable, ...]:
    """Return *tables* with the ids that they have in *schema*, parents before children."""
    waiting = {schema.table(table.table, where=table.source).id: table for table in tables}
    ordered: list[ReferenceTable] = []
    while waiting:
        free = [name for name in waiting if not _parents(name, schema) & (waiting.keys() - {name})]
        for name in free or list(waiting):  # a circle of reference tables: the database judges
            table = waiting.pop(name)
            ordered.append(ReferenceTable(table=name, key=table.key, rows=table.rows))
    return tuple(ordered)


def _parents(table: str, schema: Schema) -> set[str]:
    return {key.parent for key in schema.tables[table].foreign_keys}


def _events_before_seed(plan: Plan, call: SeedCall, validators: Sequence[str]) -> tuple[NewEvent, ...]:
    received: dict[str, Cell] = {"scenario": plan.scenario, "request_key": plan.request_key, **call.context}
    if plan.overrides:
        received["overrides"] = dict(plan.overrides)
    tables: dict[str, Cell] = {}
    for row in plan.rows:
        tables[row.table] = int(tables.get(row.table, 0)) + 1  # type: ignore[arg-type]  # counts
    planned: dict[str, Cell] = {"plan_hash": call.plan_hash, "seed": plan.seed, "as_of": plan.as_of, "rows": tables}
    return (
        NewEvent(kind=EventKind.REQUEST_RECEIVED, detail=received),
        NewEvent(kind=EventKind.PLAN_GENERATED, detail=planned),
        *(NewEvent(kind=EventKind.VALIDATOR_PASSED, detail={"validator": name}) for name in validators),
    )
