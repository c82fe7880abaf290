"""The pytest plugin: hooks only, run in every session. What is heavier than pytest is imported where needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_atdm import _options, hookspecs
from pytest_atdm._fixtures import _atdm_rows, atdm_data, atdm_database_url, atdm_overrides, atdm_run
from pytest_atdm._state import (
    AT_WORK,
    CHECKPOINT,
    HEAD_START,
    LEAKED,
    LIVE,
    NOTES,
    OUTCOME,
    SESSION,
    SETTINGS,
    is_worker,
)
from pytest_atdm.core.errors import AtdmError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_atdm._xdist import WorkerNode

__all__ = ("_atdm_rows", "atdm_data", "atdm_database_url", "atdm_overrides", "atdm_run")

_MARK = (
    "atdm_scenario(name, /, *more, as_=None, scope=None, **overrides): have the rows of the scenario stand while the "
    "test runs, of several one after the other; as_ names one of several marks that stand together, scope (class, "
    "module, session) has tests that only read share them (see pytest-atdm)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register options and ini keys."""
    _options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hooks that others may implement."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """List the scenarios where that is asked for, in place of running tests."""
    if not config.getoption("atdm_scenarios"):
        return None
    from pytest_atdm._catalog import list_scenarios  # lazy: startup

    try:
        print("\n".join(list_scenarios(_read_settings(config).catalog_folder())))
    except AtdmError as exc:
        raise pytest.UsageError(f"atdm: {exc}") from exc
    return int(pytest.ExitCode.OK)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark and read the settings."""
    config.addinivalue_line("markers", _MARK)
    config.stash[NOTES] = []
    config.stash[LEAKED] = False
    config.stash[CHECKPOINT] = ""
    config.stash[SETTINGS] = _read_settings(config)
    if not is_worker(config):
        _register_helpers(config)


def _register_helpers(config: pytest.Config) -> None:
    settings = config.stash[SETTINGS]
    if not settings.tells_junit:
        from pytest_atdm._report import Withholding  # lazy: startup

        config.pluginmanager.register(Withholding(config))
    if settings.show_data:
        from pytest_atdm._report import Showing  # lazy: startup

        config.pluginmanager.register(Showing(config))


def _read_settings(config: pytest.Config) -> _options.Settings:
    try:
        return _options.read_settings(config)
    except SettingError as exc:
        raise pytest.UsageError(f"atdm: {exc}") from exc


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Reset everything, and restore a baseline, if asked to: once, before any worker starts."""
    settings = session.config.stash[SETTINGS]
    if (settings.reset_all or settings.baseline) and not is_worker(session.config):
        from pytest_atdm._lifecycle import begin_anew  # lazy: startup

        session.config.stash[NOTES].extend(begin_anew(session.config))


def pytest_report_header(config: pytest.Config) -> str:
    """Say what is used, and where each setting came from."""
    return _options.describe(config.stash[SETTINGS])


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each scenario that its mark names."""
    if metafunc.definition.get_closest_marker("atdm_scenario") is None:
        return
    from pytest_atdm._markers import ROWS_FIXTURE, list_names  # lazy: startup

    if (names := list_names(metafunc.definition)) and ROWS_FIXTURE in metafunc.fixturenames:
        metafunc.parametrize(ROWS_FIXTURE, names, indirect=True, ids=names)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Check what the selected tests ask for, before anything is written."""
    marked = [item for item in session.items if _asks(item)]
    if marked:
        _start_ahead(session.config)
        from pytest_atdm._collect import check_marked  # lazy: startup

        check_marked(session, marked)


def _asks(item: pytest.Item) -> bool:
    """Whether *item* asks for rows: by a mark on it, its class or its module, or by a parameter of ``atdm_data``."""
    if item.get_closest_marker("atdm_scenario") is not None:
        return True
    callspec = getattr(item, "callspec", None)
    return callspec is not None and "atdm_data" in callspec.params


def _start_ahead(config: pytest.Config) -> None:
    """Have a seeder of our own start while the modules that talk to it are imported."""
    if config.stash[SETTINGS].url is None and not config.option.collectonly and SESSION not in config.stash:
        from pytest_atdm._head_start import HeadStart  # lazy: startup

        config.stash[HEAD_START] = HeadStart(config.stash[SETTINGS])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember which test is running: what ends with the last of several is told in its report."""
    item.config.stash[AT_WORK] = item


def pytest_enter_pdb(config: pytest.Config) -> None:
    """Say which rows stand while the debugger waits, and in which database."""
    item = config.stash.get(AT_WORK, None)
    if item is not None and item.stash.get(LIVE, None) and config.pluginmanager.has_plugin("terminalreporter"):
        from pytest_atdm._failure import describe_standing  # lazy: startup

        for line in describe_standing(item, item.stash[LIVE]):
            config.get_terminal_writer().line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_bdd_apply_tag(tag: str, function: Callable[..., object]) -> bool | None:
    """Have the tag ``@atdm:NAME`` of pytest-bdd ask for the scenario NAME."""
    prefix, _, name = tag.partition(":")
    if prefix != "atdm":
        return None
    pytest.mark.atdm_scenario(name)(function)
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember how a test ended, for the audit trail; of one that failed, say on what data."""
    report = yield
    if report.when == "call" or (report.when == "setup" and not report.passed):
        item.stash[OUTCOME] = "error" if report.when == "setup" and report.failed else report.outcome
    is_wanted = report.failed or (report.when == "call" and item.config.stash[SETTINGS].show_data)
    if is_wanted and item.stash.get(LIVE, None):
        from pytest_atdm._failure import add_section  # lazy: startup

        add_section(report, item, item.stash[LIVE])
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the run after the last fixture is closed, and before anybody reports."""
    if SESSION in session.config.stash:
        from pytest_atdm._lifecycle import close_session  # lazy: startup

        close_session(session.config)
    if session.config.stash[CHECKPOINT] and not is_worker(session.config):
        from pytest_atdm._report import write_checkpoint  # lazy: startup

        write_checkpoint(session.config)
    if session.config.stash[LEAKED] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Say what was seeded and removed, workers' rows included, and what of the requirements was shown if wanted."""
    from pytest_atdm._report import write_summary  # lazy: startup

    lines = write_summary(config)
    if lines and config.stash[SETTINGS].tells_github:
        from pytest_atdm._github import tell_github  # lazy: startup

        tell_github(config, lines)
    if config.getoption("atdm_coverage"):
        from pytest_atdm._coverage import write_coverage  # lazy: startup

        write_coverage(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerNode) -> None:
    """Emitted by pytest-xdist's controller before a worker starts."""
    from pytest_atdm._xdist import tell_worker  # lazy: startup

    tell_worker(node)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerNode, error: object) -> None:
    """Emitted by pytest-xdist's controller when a worker has ended; with an *error* where it crashed."""
    from pytest_atdm._xdist import hear_worker  # lazy: startup

    hear_worker(node, crashed=error is not None)
