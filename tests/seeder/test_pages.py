"""The pages: what they show, that they need no script, and that nothing of theirs comes from elsewhere."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest

from pytest_atdm.core.audit import GENESIS, StoredEvent, chain_hash
from pytest_atdm.core.model import Cell
from seeder.records import AuditTrail, EventRecord, RunRecord
from seeder.ui.timeline import show_duration, trail_view
from tests.seeder.caller import Caller


class Page(HTMLParser):
    """The words of a page in order, its tags, and its addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note tag and addresses."""
        self.tags.add(tag)
        self._open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action"}]

    def handle_data(self, data: str) -> None:
        """Note the words."""
        if data.strip():
            self.words.append(data.strip())
            if self._open and self._open[-1] == "h3":
                self.headings.append(data.strip())


def open_page(shop: Caller, path: str) -> Page:
    """Return the page at *path*."""
    answer = shop.http.get(path, headers={"Accept": "text/html"})
    assert 200 == answer.status_code
    return Page(answer.text)


def test_the_timeline_tells_the_life_of_a_request(shop: Caller, run_id: str) -> None:
    """Every stage in its order, with the rows per table, the test and its outcome."""
    context = json.dumps({"test": "test_x.py::test_returned", "actor": "ci"})
    receipt = shop.seed(shop.plan(run_id), context=context).json()
    order = receipt["entities"]["purchase"]["rows"][0]["id"]
    shop.query("INSERT INTO order_notes (order_id, note) VALUES ($1, 'x') RETURNING id", order)
    events = [{"kind": "fixtures_written", "detail": {}}, {"kind": "consumed_by_test", "detail": {"outcome": "passed"}}]
    shop.reset(receipt, events).raise_for_status()

    page = open_page(shop, f"/ui/audit/{run_id}")

    assert [
        "Run started",
        "Request received",
        "Plan generated",
        "Validators passed",
        "Seed committed",
        "Fixtures written",
        "Consumed by test",
        "Reset executed",
    ] == page.headings
    text = " ".join(page.words)
    for expected in (
        "Chain intact",
        "shipped_order",
        receipt["request_id"],
        "test_x.py::test_returned",
        "passed",
        *shop.gate().validators,
        "1 removed, made by the application order_notes 1",
        receipt["plan_hash"].removeprefix("sha256:")[:10],
    ):
        assert expected in text
    assert receipt["cleanup_token"] not in text


@pytest.mark.parametrize("path", ["/ui", "/ui/audit/{}"])
def test_a_page_needs_no_script_and_nothing_from_elsewhere(shop: Caller, run_id: str, path: str) -> None:
    """Landmarks for assistive technology, no script, no frame, no form, own addresses only."""
    page = open_page(shop, path.format(run_id))

    assert {"header", "main", "nav", "footer", "h1", "time"} <= page.tags
    assert not {"script", "iframe", "form", "img", "style"} & page.tags
    assert all(re.match(r"/|#|data:,", address) for address in page.addresses)


def test_what_callers_say_of_themselves_is_escaped(shop: Caller) -> None:
    """An actor's name is text, whatever it looks like."""
    import datetime

    run_id = shop.start_run(as_of=datetime.date(2026, 3, 1), actor="<script>alert(1)</script>")

    for path in ("/ui", f"/ui/audit/{run_id}"):
        assert "<script" not in shop.http.get(path).text


def test_the_list_of_runs_links_to_each_trail(shop: Caller, run_id: str) -> None:
    """Newest first."""
    page = open_page(shop, "/ui")

    trails = [address for address in page.addresses if address.startswith("/ui/audit/")]
    assert f"/ui/audit/{run_id}" == trails[0]


def test_the_list_of_runs_goes_back_page_by_page(shop: Caller, run_id: str) -> None:
    """Nothing before the first run: the page says so and leads back."""
    page = open_page(shop, "/ui?before=00000000000000000000000000")

    assert "No runs before that" in page.words
    assert "/ui" in page.addresses


def make_trail(kinds: list[str], *, spoil: int | None = None, **detail: Cell) -> AuditTrail:
    """Return a trail of events of *kinds*, a millisecond apart; the body of event *spoil* was changed afterwards.

    Each has *detail*.
    """
    events: list[EventRecord] = []
    previous = GENESIS
    for seq, kind in enumerate(kinds, start=1):
        body = json.dumps({"seq": seq, "kind": kind})
        digest = chain_hash(previous, body)
        shown = body + " " if seq == spoil else body
        stored = StoredEvent(seq=seq, body=shown, previous=previous, hash=digest)
        at = f"2026-03-01T12:00:00.{seq:03}000Z"
        events.append(EventRecord(seq=seq, at=at, kind=kind, request_id=None, detail=detail, stored=stored))
        previous = digest
    run = RunRecord(
        run_id="01KAN2Q8Y7V0E2M5T9S4B6C3D1",
        session_id="s",
        actor="a",
        owner="",
        seed=0,
        as_of="2026-03-01",
        state="ended",
        epoch=1,
        lease_s=None,
        expires_at=None,
        kept=False,
        age_s=0,
        lease_left_s=None,
        started_at="2026-03-01T12:00:00.000000Z",
        ended_at=None,
        live_rows=0,
        requests=0,
    )
    return AuditTrail(run=run, events=tuple(events), broken_at=spoil)


def test_a_broken_chain_is_marked_from_the_break_on() -> None:
    """Events before the break stand; none after it can be trusted."""
    view = trail_view(make_trail(["run_started", "reference_seeded", "run_ended"], spoil=2))

    marks = [mark.is_broken for group in view.groups for step in group.steps for mark in step.marks]
    assert (2, [False, True, True]) == (view.broken_at, marks)


def test_a_refused_request_stands_alone() -> None:
    """It never got an id, and is neither the run's start nor its end."""
    kinds = ["run_started", "reference_seeded", "request_refused", "request_refused", "run_ended"]

    view = trail_view(make_trail(kinds))

    assert [2, 1, 1, 1] == [len(group.steps) for group in view.groups]
    assert ["", "refused", "refused", "ended"] == [group.status for group in view.groups]


def test_a_reset_shows_what_it_left_and_what_was_done_beyond() -> None:
    """Rows with their keys and reasons, counts by table and kind; rows that were left make it a bad one."""
    told: dict[str, Cell] = {"table": "public.box", "key": {"id": 3}, "why": "old row refers: public.shelf"}
    view = trail_view(
        make_trail(
            ["reset_executed"],
            left=[told],
            detached=[],
            changed=[told, told],
            more_changed=0,
            beyond={"public.log": {"inserted": 2}, "public.tally": {"updated": 1}},
        )
    )

    (group,) = view.groups
    (step,) = group.steps
    row = "public.box id = 3: old row refers: public.shelf"
    assert ("reset, rows left", "bad") == (group.status, group.tone)
    assert [("left", row), ("changed", f"{row}; {row}")] == [(fact.name, fact.whole) for fact in step.facts]
    assert [
        ("inserted beyond, by triggers or ON DELETE", (("log", 2),)),
        ("updated beyond, by triggers or ON DELETE", (("tally", 1),)),
    ] == [(count.label, count.tables) for count in step.counts]


def test_an_unknown_kind_of_event_is_shown_all_the_same() -> None:
    """A newer seeder's log can be read with an older page."""
    view = trail_view(make_trail(["lease_renewed"]))

    assert "Lease renewed" == view.groups[0].steps[0].title


def test_a_run_without_events_has_a_page() -> None:
    """It says that nothing was recorded."""
    view = trail_view(dataclasses.replace(make_trail([]), events=()))

    assert ((), None) == (view.groups, view.head)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 ms"), (0.0124, "12 ms"), (3.44, "3.4 s"), (59.97, "1 min 0 s"), (302, "5 min 2 s"), (11_040, "3 h 4 min")],
)
def test_durations_are_shown_in_the_unit_that_suits(seconds: float, shown: str) -> None:
    """Milliseconds, seconds, minutes, hours."""
    assert shown == show_duration(seconds)
