"""``atdm replay``: the rows of a failed test again, from the file that its session wrote."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_atdm._options import UNIT_S
from pytest_atdm.cli.options import MIGRATIONS, read_console, read_settings, setting_options
from pytest_atdm.core.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm._session import AtdmSession
    from pytest_atdm.core.model import Receipt
    from pytest_atdm.core.replay import FailedRequest, FailureBundle


@click.command(short_help="Make the rows of a failed test again.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--new-keys", is_flag=True, help="Let the database choose anew what it chose then: keys, defaults.")
@click.option("--dry-run", is_flag=True, help="Show what the file holds, and write nothing.")
@setting_options("url", "database_url", "catalog", *MIGRATIONS, "keep_data", "actor")
def replay(bundle: Path, *, new_keys: bool, dry_run: bool) -> None:
    """Make the rows again that a failed test had, from BUNDLE, the file that its report names.

    They are the same byte for byte, those that the database chose included, in the same run with the same "today". The
    database may be another that has the tables of the test. They stand for a day unless --keep-data says otherwise.
    """
    from pytest_atdm.core.replay import load_bundle  # lazy: startup

    found = load_bundle(_read(bundle), what=str(bundle))
    if dry_run:
        read_console().answer(found, _describe_bundle(found))
        return
    session = _make_session(found)
    try:
        receipts = [_seed(session, request, found.test, new_keys=new_keys) for request in found.requests]
        payload = {
            "test": found.test,
            "requests": receipts,
            "differences": _list_differences(found, receipts),
            "database_url": session.connection.address.database_url,
            "kept_until": session.kept_until,
        }
        read_console().answer(payload, _describe(found, receipts, session))
    finally:
        session.let_go()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise SettingError(
            f"{path}: {exc.strerror}", hint="name the file that the report of the failed test names"
        ) from exc


def _make_session(bundle: FailureBundle) -> AtdmSession:
    """Return a session whose run is that of the failed test: the plans say so."""
    from pytest_atdm.cli.desk import make_session  # lazy: startup

    settings, plan = read_settings(), bundle.requests[0].plan
    return make_session(
        dataclasses.replace(
            settings,
            run_id=plan.run_id,
            seed=plan.seed,
            as_of=datetime.date.fromisoformat(plan.as_of),
            keep="on",
            keep_s=settings.keep_s or UNIT_S["d"],
        )
    )


def _seed(session: AtdmSession, request: FailedRequest, test: str, *, new_keys: bool) -> Receipt:
    from pytest_atdm.core.replay import pin_rows  # lazy: startup

    plan, found = request.plan if new_keys else pin_rows(request, session.schema), session.schema.fingerprint
    if plan.schema != found:
        read_console().remark(f"the schema is another than that of the failed test: {found}, and was {plan.schema}")
    # Tables that the test has nothing to do with may differ; the seeder judges the rows by those that it has.
    return session.seed_again(dataclasses.replace(plan, schema=found), test=test)


def _list_differences(bundle: FailureBundle, receipts: Sequence[Receipt]) -> list[str]:
    from pytest_atdm.core.replay import differences  # lazy: startup

    pairs = zip(bundle.requests, receipts, strict=True)
    return [line for request, receipt in pairs for line in differences(request.entities, receipt.entities)]


def _describe_bundle(bundle: FailureBundle) -> Iterator[str]:
    from pytest_atdm.cli.rows import describe_rows_now  # lazy: startup

    yield f"failed: {bundle.test}"
    for request in bundle.requests:
        plan = request.plan
        yield f"\n{plan.scenario}: {len(plan.rows)} rows, as of {plan.as_of}, run {plan.run_id}, schema {plan.schema}"
        yield from describe_rows_now(request.after) if request.after else ["what became of them was not known"]


def _describe(bundle: FailureBundle, receipts: Sequence[Receipt], session: AtdmSession) -> Iterator[str]:
    from pytest_atdm.cli.request import describe_receipt  # lazy: startup

    for receipt in receipts:
        yield from describe_receipt(receipt, session, {})
        yield ""
    found = _list_differences(bundle, receipts)
    yield from found
    yield (
        f"{len(found)} values differ from those of {bundle.test}"
        if found
        else f"the same rows as those of {bundle.test}"
    )
