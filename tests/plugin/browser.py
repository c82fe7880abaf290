"""pytest-playwright beside the plugin, in a real Chromium: run by ``make test-ts``, for not every machine has one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tests.environment import leave_out

if TYPE_CHECKING:
    import pytest

    from tests.plugin.conftest import Suite


def test_rows_outlive_the_page(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest-playwright: rows stand from before the browser's page opens until after it is closed."""
    monkeypatch.setenv("PYTEST_ADDOPTS", leave_out("playwright"))
    before = suite.read_all_rows()
    chromium = os.environ.get("ATDM_CHROMIUM") or shutil.which("chromium")
    assert chromium, "these tests need chromium: install it, or name it in ATDM_CHROMIUM"
    suite.write(
        f"""
        from concurrent.futures import ThreadPoolExecutor

        def count_loans(url):  # a loop of playwright's runs in this thread
            with ThreadPoolExecutor() as pool: return len(pool.submit(fetch, url, "SELECT FROM loans").result())

        @pytest.fixture(scope="session")
        def browser_type_launch_args():
            return {{"executable_path": {chromium!r}, "args": ["--no-sandbox", "--disable-gpu"]}}

        @pytest.fixture
        def context(context, atdm_database_url):
            assert count_loans(atdm_database_url) == 1
            yield context
            context.close()
            assert count_loans(atdm_database_url) == 2
        """,
        "conftest",
    )
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(page, atdm_data):
            page.set_content(f"<p>{atdm_data.loan.state}</p>")
            assert page.inner_text("p") == "overdue"
            assert atdm_data.request("overdue_loan").loan
        """
    )

    result = suite.run_apart("-W", "ignore")

    result.assert_outcomes(passed=1)
    assert before == suite.read_all_rows()
