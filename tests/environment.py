"""The environment of processes that tests start as a user would."""

from __future__ import annotations

import os

#: Plugins that stand in the environment for tests of ways to run; every other session of a test is one without them.
SELDOM = ("allure_pytest", "asyncio", "playwright", "pytest-bdd", "pytest_postgresql", "randomly", "rerunfailures")
#: Plugins that only this project's own session may have; to load both takes longer than all else of a session's start.
OWN = ("faker", "hypothesispytest")


def leave_out(*but: str) -> str:
    """Return the words of a pytest command line that leave out ``SELDOM`` and ``OWN``, *but* some of them."""
    return " ".join(f"-p no:{name}" for name in (*SELDOM, *OWN) if name not in but)


def bare_environment(*more: str) -> dict[str, str]:
    """Return this process's environment without what settles ATDM, pytest, and what else begins with *more*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATDM_", "PYTEST_", *more))}
    return {**kept, "PYTEST_ADDOPTS": leave_out()}
