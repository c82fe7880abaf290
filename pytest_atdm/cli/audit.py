"""``atdm audit``: what happened in a run, and whether the log is whole."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import read_console, setting_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm._client import Json
    from pytest_atdm.core.audit import StoredEvent
    from pytest_atdm.core.audit_check import LogVerdict
    from pytest_atdm.core.model import Cell

#: Columns of the detail in the timeline for people; the whole of it is in the JSON and on the audit page.
DETAIL_WIDTH: Final = 100


class _AuditGroup(click.Group):
    """``atdm audit RUN`` is short for ``atdm audit show RUN``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


@click.group(cls=_AuditGroup)
def audit() -> None:
    """See what happened in runs, and whether the log of it is whole; ``atdm audit RUN`` is short for ``show RUN``."""


@audit.command(short_help="Show what happened in a run, and whether the log of it is whole.")
@click.argument("run")
@setting_options("url", "database_url", "catalog")
def show(run: str) -> None:
    """Show the timeline of the run RUN, and check the chain of its hashes here."""
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        trail = client.audit(run)
    broken_at = find_broken_event(trail)
    read_console().answer({**trail, "broken_at": broken_at, "intact": broken_at is None}, describe_trail(trail))


@audit.command(short_help="See whether the whole log is as it was written.")
@click.option("--expect", metavar="CHECKPOINT", help="A checkpoint that the log must fit, as a session printed it.")
@click.option("--from-parquet", metavar="PLACE", help="Judge the exported files below a folder or s3://bucket/prefix.")
@setting_options("url", "database_url", "catalog")
@click.pass_context
def verify(ctx: click.Context, expect: str | None, from_parquet: str | None) -> None:
    """Read every event of every run, and say what was changed, removed, inserted or moved; exit with 1 if anything was.

    Whoever owns the database can write the whole log anew, or drop its newest runs, with all hashes right. A checkpoint
    that was kept outside, in a log of CI for instance, shows that too, and so do those that the seeder keeps in its
    store. The exported files are judged without a seeder.
    """
    verdict = _judge_files(from_parquet, expect) if from_parquet else _ask_seeder(expect)
    read_console().answer({"intact": verdict.intact, **dataclasses.asdict(verdict)}, describe_verdict(verdict))
    if not verdict.intact:
        ctx.exit(1)


def _ask_seeder(expected: str | None) -> LogVerdict:
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        return client.verify_audit(expected)


def _judge_files(place: str, expected: str | None) -> LogVerdict:
    from pytest_atdm._audit_files import verify_files  # lazy: startup
    from pytest_atdm.core.audit_check import parse_checkpoint

    return verify_files(place, parse_checkpoint(expected) if expected else None)


def describe_verdict(verdict: LogVerdict) -> Iterator[str]:
    """Yield what was found, for a person."""
    for flaw in verdict.flaws:
        yield f"run {flaw.run_id}: {flaw.what}" if flaw.run_id else flaw.what
    if verdict.more:
        yield f"and {verdict.more} more"
    word = "intact" if verdict.intact else "BROKEN"
    yield f"log {word}: events {verdict.events}, runs {verdict.runs}, seals {verdict.seals}"
    if verdict.checkpoint:
        yield f"checkpoint {verdict.checkpoint}"


def find_broken_event(trail: Json) -> int | None:
    """Return the sequence number at which the chain of *trail* breaks, or None, whatever the seeder says of it."""
    from pytest_atdm.core.audit import find_break  # lazy: startup

    return find_break([_read_event(event) for event in _events(trail)])


def describe_trail(trail: Json) -> Iterator[str]:
    """Yield the timeline of *trail* and the verdict on its chain, for a person."""
    rows = [(event["seq"], event["at"], event["kind"], _describe_detail(event)) for event in _events(trail)]
    yield from format_table(("seq", "at", "event", "detail"), rows)
    broken_at = find_broken_event(trail)
    yield ""
    if broken_at is None:
        yield f"chain intact: {len(rows)} events, none changed, missing, inserted or moved"
    else:
        yield f"chain BROKEN at event {broken_at}: it, or one before it, was changed, removed, inserted or moved"


def _events(trail: Json) -> Sequence[Mapping[str, Cell]]:
    events = trail["events"]
    return [event for event in events if isinstance(event, dict)] if isinstance(events, list) else []


def _read_event(event: Mapping[str, Cell]) -> StoredEvent:
    from pytest_atdm.core.audit import StoredEvent  # lazy: startup

    return StoredEvent(
        seq=int(str(event["seq"])),
        body=str(event["body"]),
        previous=bytes.fromhex(str(event["previous"])),
        hash=bytes.fromhex(str(event["hash"])),
    )


def _describe_detail(event: Mapping[str, Cell]) -> str:
    detail = event["detail"]
    words = [f"{key}={_write_value(value)}" for key, value in detail.items()] if isinstance(detail, dict) else []
    text = " ".join(words)
    return text if len(text) <= DETAIL_WIDTH else f"{text[: DETAIL_WIDTH - 3]}..."


def _write_value(value: Cell) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_write_value(part)}" for key, part in value.items()) + "}"
    return str(value)
