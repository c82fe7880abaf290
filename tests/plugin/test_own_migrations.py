"""Real projects, of Alembic and of Django: their own migrations make the tables that their tests find rows in."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_atdm._options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

PROJECTS = Path(__file__).with_name("projects")

ALEMBIC_TEST = """
    import psycopg, pytest

    @pytest.mark.atdm_scenario("overdue_loan")
    def test_the_loan_stands(atdm_data, atdm_database_url):
        with psycopg.connect(atdm_database_url) as connection:
            loans = connection.execute("SELECT reader_id FROM loans WHERE due_on < %s", [atdm_data.facts.as_of])
            assert [(atdm_data.reader.id,)] == loans.fetchall()
"""
ALEMBIC_REVISION = """
    import sqlalchemy as sa
    from alembic import op

    revision = "0003"
    down_revision = "0002"

    def upgrade():
        op.add_column("readers", sa.Column("phone", sa.Text, nullable=False))
"""
DJANGO_TEST = """
    import pytest

    @pytest.fixture
    def orders(atdm_database_url, monkeypatch):
        import django
        monkeypatch.setenv("DATABASE_URL", atdm_database_url)
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
        django.setup()
        from shop.models import Order
        yield Order.objects
        django.db.connection.close()

    @pytest.mark.atdm_scenario("unpaid_order")
    def test_the_order_stands(atdm_data, orders):
        order = orders.get()
        order.full_clean()
        assert (order.number, order.status) == (atdm_data.order.number, "open")
        assert order.customer.email == atdm_data.customer.email
"""
DJANGO_REVISION = """
    from django.db import migrations, models

    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_initial")]
        operations = [migrations.AddField("customer", "phone", models.CharField(max_length=20, null=True))]
"""
NEW_COLUMN = """
    import pytest

    @pytest.mark.atdm_scenario("{scenario}", {person}__phone="0123")
    def test_the_new_column_is_there(atdm_data):
        assert atdm_data.{person}.phone == "0123"
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Copy a project into a folder of its own, with no setting from outside, and return the folder."""
    for name in (*(option.variable for option in OPTIONS), "ATDM_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def copy(name: str) -> Path:
        ignored = shutil.ignore_patterns("__pycache__")
        return Path(shutil.copytree(PROJECTS / name, pytester.path, dirs_exist_ok=True, ignore=ignored))

    return copy


@pytest.mark.parametrize(
    ("name", "test", "revision", "file", "person", "scenario"),
    [
        ("alembic", ALEMBIC_TEST, ALEMBIC_REVISION, "migrations/versions/0003_phone.py", "reader", "overdue_loan"),
        ("django", DJANGO_TEST, DJANGO_REVISION, "shop/migrations/0002_phone.py", "customer", "unpaid_order"),
    ],
    ids=["alembic", "django"],
)
def test_a_project_brings_its_own_tables(
    pytester: pytest.Pytester,
    project: Callable[[str], Path],
    name: str,
    test: str,
    revision: str,
    file: str,
    person: str,
    scenario: str,
) -> None:
    """Its tool makes the tables once; a new revision is noticed, and the next session has the new column."""
    root = project(name)
    (root / "test_rows.py").write_text(textwrap.dedent(test))
    command = (root / "pytest.ini").read_text().rpartition("= ")[2].strip()

    first = pytester.runpytest_subprocess(timeout=120)

    first.assert_outcomes(passed=1)
    first.stdout.fnmatch_lines([f'atdm: *migrations by "{command}" (from ini atdm_migrate_command)*'])
    (log,) = root.glob(".atdm/*/migrate.log")
    written = log.stat().st_mtime_ns
    pytester.runpytest_subprocess(timeout=120).assert_outcomes(passed=1)
    assert written == log.stat().st_mtime_ns, "nothing has changed, so that nothing ran"

    (root / file).write_text(textwrap.dedent(revision))
    (root / "test_column.py").write_text(textwrap.dedent(NEW_COLUMN.format(scenario=scenario, person=person)))

    pytester.runpytest_subprocess("test_column.py", timeout=120).assert_outcomes(passed=1)


def test_workers_share_what_the_command_made(pytester: pytest.Pytester, project: Callable[[str], Path]) -> None:
    """With pytest-xdist the command runs once, and every worker's tests find their rows."""
    root = project("alembic")
    rows = textwrap.dedent(ALEMBIC_TEST).replace("[(atdm_data.reader.id,)] ==", "(atdm_data.reader.id,) in")
    for number in range(4):
        (root / f"test_{number}.py").write_text(rows)

    result = pytester.runpytest_subprocess(
        "-n2", "--atdm-migrate-command", "echo once >> ran && alembic upgrade head", timeout=120
    )

    result.assert_outcomes(passed=4)
    assert "once\n" == (root / "ran").read_text()


def test_a_failing_command_is_one_error_for_the_session(
    pytester: pytest.Pytester, project: Callable[[str], Path]
) -> None:
    """The session ends before its first test, with the command's own words."""
    root = project("alembic")
    (root / "test_rows.py").write_text(textwrap.dedent(ALEMBIC_TEST))
    (root / "migrations/versions/0003_phone.py").write_text(textwrap.dedent(ALEMBIC_REVISION).replace("0002", "0009"))

    result = pytester.runpytest_subprocess(timeout=120)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([
        'the command "alembic upgrade head" in * ended with exit code *; *migrate.log ends with:',
        "  | *0009*",
        "*hint: correct the command or the migrations*migration_failed*",
    ])  # fmt: skip
