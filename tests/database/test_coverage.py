"""What tests came to is counted in the transaction of their events, and what is kept of it does not grow with runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

import pytest

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.coverage import Use
from pytest_atdm.core.errors import Unauthorized
from pytest_atdm.core.model import Cell
from seeder.records import NewEvent, SeedOutcome
from tests.database.world import RUN, TOKEN_HASH, World, command, planned

MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """One table, and a run."""
    return make_world("CREATE TABLE item (id serial PRIMARY KEY, label text)")


def seed(world: World) -> SeedOutcome:
    """Make a request of one row."""
    return world.seed(planned("item", "item", {"label": "x"}, id="item.id"))


def used(nodeid: str = "t", outcome: str = "passed", **more: Cell) -> NewEvent:
    """The event of a test that has used rows."""
    return NewEvent(kind=EventKind.CONSUMED_BY_TEST, detail={"nodeid": nodeid, "outcome": outcome, **more})


def use(world: World, *events: NewEvent) -> None:
    """Seed and reset, saying that tests have used the rows."""
    world.reset(seed(world), events)


def read(world: World, commit: str = "") -> list[Use]:
    """Return what the seeder answers."""
    return list(world.wait(world.database.read_coverage(commit)))


def count(world: World, what: str = "true") -> int:
    """Return the number of rows that are kept."""
    return int(world.fetch(f"SELECT count(*) FROM atdm.coverage WHERE {what}"))  # noqa: S608


def test_a_use_is_counted_with_its_event(world: World) -> None:
    """Scenario of the request, requirements, test, attempt, commit and outcome stand there once the reset has ended."""
    requirements: list[Cell] = ["R-1", "R-2"]
    use(world, used(commit="c1", attempt=1, requirements=requirements))

    (found,) = read(world)

    assert found.at.endswith("Z")
    assert found == Use(
        nodeid="t",
        scenario="made_up",
        outcome="passed",
        commit="c1",
        requirements=("R-1", "R-2"),
        passed=1,
        at=found.at,
    )


def test_what_is_appended_without_a_reset_counts_too(world: World) -> None:
    """Rows that are kept were used all the same; a wrong token counts nothing."""
    request = seed(world)

    with pytest.raises(Unauthorized):
        world.wait(world.database.append_events(request.request_id, bytes(32), [used()]))
    assert [] == read(world)
    world.wait(world.database.append_events(request.request_id, TOKEN_HASH, [used(), used("u", "skipped")]))

    assert [("t", 1, 0), ("u", 0, 1)] == [(one.nodeid, one.passed, one.skipped) for one in read(world)]


def test_a_reset_that_fails_counts_nothing(world: World) -> None:
    """What is rolled back was not told; the reset that succeeds tells it once, however often it is repeated."""
    world.execute("CREATE TABLE part (item_id integer NOT NULL REFERENCES item)")
    request = seed(world)
    with pytest.raises(Unauthorized):
        world.wait(world.database.reset_request(request.request_id, bytes(32), [used()]))
    assert [] == read(world)

    for _ in range(2):
        world.reset(request, [used()])

    assert [1] == [one.passed for one in read(world)]


def test_attempts_of_a_run_add_up_and_are_seen_to_vary(world: World) -> None:
    """A test that failed and then passed in one run varies, whatever the commit; two requests are one attempt."""
    use(world, used(outcome="failed", attempt=1, commit="c-dirty"))
    use(world, used(outcome="failed", attempt=1, commit="c-dirty"))
    use(world, used(outcome="passed", attempt=2, commit="c-dirty"))

    (found,) = read(world)

    assert (1, 1, "passed", 2, True) == (found.passed, found.failed, found.outcome, found.attempt, found.varied)
    assert found.is_flaky


def test_runs_add_up_and_a_clean_commit_is_flaky(world: World) -> None:
    """Different outcomes of two runs are counted; on a commit that is flaky, with changed files it is not."""
    for commit in ("c1", "c2-dirty"):
        world.start_run("02RUN" + commit)
        world.start_run("03RUN" + commit)
        for run, outcome in (("02RUN", "failed"), ("03RUN", "passed")):
            request = world.seed(planned("item", "item", {"label": "x"}, id="item.id"), run_id=run + commit)
            world.reset(request, [used(commit, outcome, commit=commit)])

    found = read(world)

    assert [("c1", 1, 1, False, True), ("c2-dirty", 1, 1, False, False)] == [
        (one.commit, one.passed, one.failed, one.varied, one.is_flaky) for one in found
    ]


def test_a_run_that_is_started_again_is_another_session(world: World) -> None:
    """Whoever gives the same run id each time counts each time, and does not vary for having mended a test."""
    for outcome in ("failed", "passed", "passed"):
        use(world, used(outcome=outcome, commit="c-dirty"))
        world.wait(world.database.reset_run(RUN))
        world.start_run()

    (found,) = read(world)

    assert (2, 1, False) == (found.passed, found.failed, found.varied)


def test_each_test_is_told_at_its_newest_commit_or_at_the_one_asked_for(world: World) -> None:
    """A commit is named by how it begins; a test that has not run there is not told."""
    for nodeid, commit in (("t", "aa1"), ("u", "aa1"), ("t", "bb2"), ("t", "bb2-dirty")):
        use(world, used(nodeid, commit=commit))

    def commits(commit: str = "") -> list[tuple[str, str]]:
        return [(one.nodeid, one.commit) for one in read(world, commit)]

    assert [("t", "bb2-dirty"), ("u", "aa1")] == commits()
    assert [("t", "aa1"), ("u", "aa1")] == commits("aa")
    assert [("t", "bb2-dirty")] == commits("bb2")
    assert [] == commits("%")


def test_ten_commits_of_a_test_are_kept(world: World) -> None:
    """An eleventh removes the oldest of that test and of no other, and another use of one that stands removes none."""
    use(world, used("other", commit="old"))
    for number in range(10):
        use(world, used(commit=f"c{number}"))
    use(world, used(commit="c0", attempt=2))
    assert 10 == count(world, "nodeid = 't'")

    use(world, used(commit="c10"))

    assert 10 == count(world, "nodeid = 't'")
    assert 0 == count(world, "nodeid = 't' AND commit = 'c1'")
    assert 1 == count(world, "nodeid = 'other'")


def test_what_has_not_run_for_90_days_is_forgotten(world: World) -> None:
    """Tests that are gone say nothing for ever: some of them go whenever something new has come."""
    use(world, *(used(f"gone{number:02}") for number in range(30)), used("seldom"))
    world.execute("UPDATE atdm.coverage SET seen_on = seen_on - 91 WHERE nodeid LIKE 'gone%'")
    world.execute("UPDATE atdm.coverage SET seen_on = seen_on - 90 WHERE nodeid = 'seldom'")

    use(world, used("new"))
    assert 10 == count(world, "nodeid LIKE 'gone%'")
    use(world, used("newer"))

    assert ["new", "newer", "seldom"] == [one.nodeid for one in read(world)]


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"outcome": "passed"},
        {"nodeid": 7, "outcome": "passed"},
        {"nodeid": "t", "outcome": "odd"},
        {"nodeid": "t", "outcome": ["passed"]},
        {"nodeid": "t\x00", "outcome": "passed"},
    ],
)
def test_what_a_client_says_otherwise_is_logged_and_not_counted(world: World, detail: Mapping[str, Cell]) -> None:
    """No client can make a reset fail by how it speaks of a test."""
    report = world.reset(seed(world), [NewEvent(kind=EventKind.CONSUMED_BY_TEST, detail=detail)])

    assert {"public.item": 1} == report.seeded
    assert [] == read(world)
    trail = world.wait(world.database.read_events(RUN))
    assert trail.intact
    assert dict(detail) == dict(trail.events[-2].detail)


@pytest.mark.parametrize(
    "odd", [{"attempt": "many"}, {"attempt": 10**12}, {"requirements": "R"}, {"requirements": [None]}]
)
def test_odd_particulars_are_passed_over(world: World, odd: Mapping[str, Cell]) -> None:
    """A test is counted whatever else is said of it; names longer than an index takes are no matter."""
    name, commit = "é" * 5000, "c" * 5000
    told: dict[str, Cell] = {"nodeid": name, "outcome": "passed", "commit": commit, **odd}
    use(world, NewEvent(kind=EventKind.CONSUMED_BY_TEST, detail=told))

    (found,) = read(world)

    assert (name, "c" * 100, 1, 1, ()) == (found.nodeid, found.commit, found.passed, found.attempt, found.requirements)


def test_sessions_that_use_the_same_tests_do_not_lock_each_other_out(world: World) -> None:
    """Two that tell of the same tests, in opposite orders and at commits that crowd out others, both come through."""
    tests = [f"t{number}" for number in range(20)]
    world.start_run("02RUN")

    async def tell(run: str, order: list[str]) -> None:
        for turn in range(12):
            commit = f"{run}{turn}" if turn % 2 else f"both{turn}"
            rows = planned("item", "item", {"label": "x"}, id="item.id")
            made = await world.database.seed(command(rows, request_id=f"{run}-{turn:02}", run_id=run))
            await world.database.reset_request(made.request_id, TOKEN_HASH, [used(one, commit=commit) for one in order])

    async def both() -> None:
        await asyncio.gather(tell(RUN, tests), tell("02RUN", tests[::-1]))

    world.wait(both())

    assert [True] * 20 == [json.loads(world.fetch(
        "SELECT to_json(count(DISTINCT commit) BETWEEN 10 AND 11) FROM atdm.coverage WHERE nodeid = $1", one
    )) for one in tests]  # fmt: skip
