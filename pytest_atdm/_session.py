"""One session in one process: its catalog, its seeder, its run, and the requests of its tests."""

from __future__ import annotations

import contextlib
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_atdm._catalog import open_catalog
from pytest_atdm._commit import Commit
from pytest_atdm._connect import connect
from pytest_atdm._data import AtdmData, AtdmRun, Facts
from pytest_atdm._heartbeat import Heartbeat
from pytest_atdm._standing import fetch_standing
from pytest_atdm._state import HEAD_START, SESSION, SETTINGS
from pytest_atdm._xdist import describe_process, identity_of
from pytest_atdm.core.errors import AtdmError, LeaseLost, RowConflict, RowRefused, SettingError
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import NO_ADVICE, plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.wire import dump_plan, plan_hash
from pytest_atdm.emit.bundle import make_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pytest
    from pluggy import HookRelay

    from pytest_atdm._client import Json, SeederClient
    from pytest_atdm._connect import Connection
    from pytest_atdm._head_start import HeadStart
    from pytest_atdm._markers import Wish
    from pytest_atdm._options import Settings
    from pytest_atdm._xdist import Identity
    from pytest_atdm.core.baseline import RestoreReport
    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.model import Cell, Plan, Receipt, RemovedBy, ResetReport
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.schema import Schema
    from pytest_atdm.emit import Emitter
    from pytest_atdm.emit.bundle import FixtureBundle


def session_of(config: pytest.Config) -> AtdmSession:
    """Return the session of *config*, made on first use; nothing is started by that."""
    if SESSION not in config.stash:
        head_start = config.stash.get(HEAD_START, None)
        config.stash[SESSION] = AtdmSession(
            config.stash[SETTINGS], identity_of(config), config.hook, head_start, _find_unmuting(config)
        )
    return config.stash[SESSION]


def _find_unmuting(config: pytest.Config) -> Callable[[], AbstractContextManager[None]]:
    """Return what makes a block in which nothing is captured: what takes long says how far it is."""
    capture = config.pluginmanager.getplugin("capturemanager")
    return capture.global_and_fixture_disabled if capture else contextlib.nullcontext


class AtdmSession:
    """What a session needs, each thing made when it is first asked for. *hook* calls the hooks of ``hookspecs``.

    *unmuted* makes a block whose errors reach the terminal.
    """

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        hook: HookRelay,
        head_start: HeadStart | None = None,
        unmuted: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self.settings = settings
        self.identity = identity
        self.lost: AtdmError | None = None  # what ended the session: then nothing waits for the seeder again
        self._hook = hook
        self._unmuted = unmuted
        self._gates: dict[str, Gate] = {}
        self._attempts: Counter[str] = Counter()
        self._checked: dict[str, tuple[Wish, Plan]] = {}
        self._domains: set[str] = set()
        self._head_start = head_start
        self._connection: Connection | None = None
        self._run: AtdmRun | None = None
        self._heartbeat: Heartbeat | None = None
        self._epoch = 0
        self._keeps_run = False  # rows of it are to stay
        self._commit: Commit | None = None
        self.kept_until = ""  # the moment, where the run is to be kept

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog of the settings."""
        return open_catalog(self.settings.catalog_folder())

    @property
    def connection(self) -> Connection:
        """The connection to the seeder, which is started where it is ours and does not run."""
        if self._connection is None:
            head_start, self._head_start = self._head_start, None
            self._connection = connect(self.settings, head_start)
        return self._connection

    @property
    def database_url(self) -> str:
        """The URL of the target, as the application under test must use it.

        Raises:
            SettingError: the seeder is somebody else's, and nobody has said which database it writes to.
        """
        url = self.connection.address.database_url
        if url is None:
            raise SettingError(
                f"it is not known which database the seeder at {self.connection.address.url} writes to",
                hint="give its URL with --atdm-database-url, ATDM_DATABASE_URL or the ini key atdm_database_url",
            )
        return url

    @cached_property
    def schema(self) -> Schema:
        """The target's schema as it was when first asked for."""
        return self.connection.client.schema()

    @property
    def run(self) -> AtdmRun:
        """The run of this process, started on first use."""
        if self._run is None:
            self._run = self._start_run()
        return self._run

    def plan(self, wish: Wish, request_key: str) -> Plan:
        """Return the plan for *wish*, approved by the gate; nothing is written.

        Raises:
            UsageError: what the wish, the catalog or the target's schema forbids.
        """
        planned = self._plan(wish, request_key, NO_ADVICE)
        self._gate(planned.domain).approve(planned)
        return planned

    def _plan(self, wish: Wish, request_key: str, advice: Advice) -> Plan:
        scenario = self.catalog.scenario(wish.scenario)
        return plan(
            scenario,
            self._gate(scenario.domain).rulebook,
            overrides=wish.overrides,
            run_id=self.identity.run_id,
            request_key=request_key,
            seed=self.settings.seed,
            as_of=self.settings.as_of,
            advice=advice,
        )

    def check(self, wish: Wish, request_key: str) -> None:
        """Plan *wish* as ``plan`` does, and keep the plan for ``seed``."""
        self._checked[request_key] = wish, self.plan(wish, request_key)

    def seed(self, wish: Wish, *, request_key: str, test: str) -> tuple[Receipt, Plan]:
        """Plan and write *wish*; return the receipt and the plan that was written.

        *request_key* tells requests of a run apart; asked for again (a rerun), it gives the same values in new rows.
        *test* goes into the audit trail.
        """
        known, planned = self._checked.pop(request_key, (None, None))
        if planned is None or known is not wish:
            planned = self.plan(wish, request_key)
        self.prepare(planned.domain)
        self._attempts[request_key] += 1
        attempt = self._attempts[request_key]
        settings: dict[str, Any] = {
            "idempotency_key": f"{request_key}/{self.identity.session_id}/{attempt}",
            "context": {"test": test, "attempt": attempt, "actor": self.identity.actor},
        }
        try:
            return self._send(planned, settings), planned
        except (RowConflict, RowRefused):
            better = self._find_plan(wish, request_key)
            if better is None:
                raise
            return self._send(better, settings), better

    def seed_again(self, planned: Plan, *, test: str) -> Receipt:
        """Write rows that were planned before, by another session."""
        self.prepare(planned.domain)
        context: Json = {"test": test, "attempt": 1, "actor": self.identity.actor}
        key = f"{planned.request_key}/{self.identity.session_id}/again/{plan_hash(dump_plan(planned))}"
        return self._send(planned, {"idempotency_key": key, "context": context})

    def _send(self, planned: Plan, settings: dict[str, Any]) -> Receipt:
        if not planned.volumes:
            return self.connection.client.seed(planned, **settings)
        from pytest_atdm._volumes import iter_batches  # lazy: hardly any session needs it

        batches = iter_batches(planned, self._gate(planned.domain))
        with self._unmuted():
            return self.connection.client.seed_volumes(planned, batches, **settings)

    def _find_plan(self, wish: Wish, request_key: str) -> Plan | None:
        """Return another plan of *wish* that the database takes, where its refusals lead to one.

        What was learnt is not kept: the values of a test depend on no other test.
        """
        from pytest_atdm._probing import drive  # lazy: hardly any session needs it
        from pytest_atdm.core.probe import MAX_SCENARIO_TRIALS, Search

        scenario = self.catalog.scenario(wish.scenario)
        gate = self._gate(scenario.domain)
        search = Search(
            lambda advice: self._plan(wish, request_key, advice),
            gate,
            gate.rulebook,
            tables=[self.schema.table(entity.table).id for entity in scenario.entities.values()],
            as_of=self.settings.as_of,
            at_most=MAX_SCENARIO_TRIALS,
        )
        found = drive(self.connection.client, search.ask(NO_ADVICE))
        return found.plan if found else None

    def show(self, receipt: Receipt, ask: Callable[..., AtdmData]) -> AtdmData:
        """Return what a test sees of *receipt*; writes the fixture files where wanted. *ask* seeds in mid-test."""
        bundle = make_bundle(receipt, self.catalog.scenario(receipt.scenario), self.schema)
        facts = Facts(
            scenario=bundle.scenario,
            expects=bundle.expects,
            requirements=bundle.requirements,
            request_id=bundle.request_id,
            run_id=bundle.run_id,
            as_of=bundle.as_of,
            audit_url=receipt.audit_url,
            fixtures=self._write_fixtures(bundle),
        )
        return AtdmData(bundle, facts, ask)

    def describe_use(self, receipt: Receipt) -> Json:
        """Return what is told of a use of the rows of *receipt*: scenario, requirements, and the commit if known."""
        requirements: list[Cell] = [*self.catalog.scenario(receipt.scenario).requirements]
        detail: Json = {"scenario": receipt.scenario, "requirements": requirements}
        commit = self._commit.read() if self._commit else ""
        return {**detail, "commit": commit} if commit else detail

    def reset(self, receipt: Receipt, events: Sequence[Json]) -> ResetReport:
        """Remove the rows of *receipt* and what hangs below them; the audit trail has *events* before that.

        Raises:
            LeaseLost: somebody else has removed them before.
        """
        report = self.connection.client.reset(receipt.request_id, receipt.cleanup_token, events)
        if report.by != "owner":
            raise _lost_rows(receipt, report.by)
        return report

    def tell(self, receipt: Receipt, events: Sequence[Json]) -> None:
        """Have the audit trail of *receipt* tell of *events*."""
        self.connection.client.append_events(receipt.request_id, receipt.cleanup_token, events)

    def keep(self, receipt: Receipt, events: Sequence[Json]) -> None:
        """Leave the rows of *receipt* standing, and the run with them; the audit trail has *events*."""
        self._keeps_run = True
        self.tell(receipt, events)

    def reset_all(self) -> ResetReport:
        """Remove the rows of every request of every run; while others are at work only if the settings force it."""
        self.connection.client.expect_live_rows()
        return self.connection.client.reset_all(force=self.settings.force)

    def restore_baseline(self, name: str) -> RestoreReport:
        """Bring the target's tables back to the baseline *name*; on a terminal a bar shows how far it is."""
        from pytest_atdm._progress import tables_shown  # lazy: startup

        with tables_shown() as tell:
            return self.connection.client.restore_baseline(name, actor=self.identity.actor, tell=tell)

    def close(self) -> ResetReport | None:
        """End the run, if one was started, and let go of the seeder; return what the run's end removed.

        A run that is to be kept does not end; its lease begins anew.
        """
        try:
            if self._connection is None or self._run is None or self.lost:
                return None
            return self._end_run(self._connection.client)
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Let go of the seeder, and leave the run as it is."""
        if self._commit is not None:
            self._commit.close()
        head_start, self._head_start = self._head_start, None
        if head_start is not None:
            with contextlib.suppress(AtdmError):  # nobody needed it after all, nor why it failed
                head_start.wait().close()
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.stop()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _end_run(self, client: SeederClient) -> ResetReport | None:
        if self.settings.keep == "off" or (self.settings.keep == "retain-on-failure" and not self._keeps_run):
            self.kept_until = ""
            return client.reset_run(self.identity.run_id)
        self.kept_until = client.renew_lease(self.identity.run_id, self._epoch)
        return None

    def _start_run(self) -> AtdmRun:
        identity, settings = self.identity, self.settings
        started = self.connection.client.start_run(
            run_id=identity.run_id,
            session_id=identity.session_id,
            actor=identity.actor,
            seed=settings.seed,
            as_of=settings.as_of.isoformat(),
            owner=describe_process(),
            keep_s=settings.keep_s,
        )
        self._epoch = started.epoch
        self._commit = Commit(settings.folder.parent)
        self.kept_until = started.expires_at if settings.keep_s else ""
        self._heartbeat = Heartbeat(
            self.connection.address, identity.run_id, epoch=started.epoch, lease_s=started.lease_s
        )
        return AtdmRun(
            run_id=identity.run_id,
            session_id=identity.session_id,
            seed=settings.seed,
            as_of=settings.as_of,
            audit_url=started.audit_url,
            seeder_url=self.connection.address.url,
        )

    def prepare(self, domain: str) -> None:
        """Have the run started, and the reference rows of *domain* stand: once per session."""
        if domain not in self._domains:
            self.connection.client.seed_reference(domain, run_id=self.run.run_id)
            self._domains.add(domain)

    def rulebook(self, domain: str) -> Rulebook:
        """Return a rulebook of *domain* and the target, with the rows that stand in its reference tables now."""
        rules = self.catalog.domain(domain)
        return Rulebook(self.schema, rules, fetch_standing(self.connection.client, self.schema, [rules]))

    def _gate(self, domain: str) -> Gate:
        if domain not in self._gates:
            given = self._hook.pytest_atdm_validators(schema=self.schema)
            extra = [validator for validators in given for validator in validators]
            self._gates[domain] = Gate(self.rulebook(domain), extra)
        return self._gates[domain]

    @cached_property
    def _emitters(self) -> tuple[Emitter, ...]:
        from pytest_atdm.emit import built_in_emitters  # lazy: only where fixtures are wanted

        return (*built_in_emitters(), *(emitter for given in self._hook.pytest_atdm_emitters() for emitter in given))

    def _write_fixtures(self, bundle: FixtureBundle) -> Mapping[str, Path]:
        if self.settings.fixtures_dir is None:
            return {}
        folder = self.settings.fixtures_dir / bundle.run_id / bundle.request_id
        return {emitter.name: emitter.emit(bundle, folder) for emitter in self._emitters}


def _lost_rows(receipt: Receipt, by: RemovedBy) -> LeaseLost:
    who = {
        "reaper": "the reaper, for the lease of its run had lapsed",
        "operator": "an operator, who reset everything",
    }.get(by, by)
    return LeaseLost(
        f'the rows of "{receipt.scenario}" (request {receipt.request_id}) were gone before the test had ended: '
        f"removed by {who}",
        hint="what the test says is worth nothing: run it again; a process that is stopped for long loses its rows",
    )
