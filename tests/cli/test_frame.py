"""What holds of every command."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from pytest_atdm.cli import atdm as group
from pytest_atdm.cli import main
from pytest_atdm.cli.console import Console, describe_error, format_table, wants_json
from pytest_atdm.cli.options import find_root
from pytest_atdm.core.errors import AtdmError, Conflict, iter_leaves
from tests.cli.reference import iter_commands

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Atdm

HEAVY = ("pytest", "pydantic", "httpx", "yaml", "pgparse", "asyncio")


def test_help_imports_nothing_heavy() -> None:
    """``atdm --help`` loads click and the standard library only."""
    code = (
        "import sys; from pytest_atdm.cli import main; main(['--help']); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_help_is_quick() -> None:
    """``atdm --help`` takes less than three times the CPU of importing click and what it needs, at its best of five."""

    def measure(code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    floor = min(measure("import click, importlib.metadata, json, pathlib, urllib.parse") for _ in range(5))
    helped = min(measure("from pytest_atdm.cli import main; main(['--help'])") for _ in range(5))

    assert helped / floor < 3


@pytest.mark.parametrize("error", list(iter_leaves()), ids=lambda error: error.code)
@pytest.mark.parametrize("as_json", [False, True])
def test_every_error_is_told_with_code_and_hint(
    error: type[AtdmError], capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    """Whatever the error: three lines on stderr, or one JSON document on stdout, and its exit code."""
    raised = error('table "a" is odd', hint="mend it")

    code = Console(as_json=as_json).fail(raised)

    out, err = capsys.readouterr()
    assert code == error.exit_code
    assert code in (2, 3, 70)
    if as_json:
        assert err == ""
        assert out.startswith('{\n  "error": {\n')
        assert f'"code": "{error.code}"' in out
        assert '"hint": "mend it"' in out
    else:
        assert (out, err) == ("", f'error: table "a" is odd\nhint:  mend it\ncode:  {error.code}\n')


def test_an_error_in_json_is_complete() -> None:
    """The JSON of an error has these keys, no others."""
    assert describe_error(Conflict("used", hint="choose another")) == {
        "code": "conflict",
        "message": "used",
        "hint": "choose another",
        "exit_code": 2,
        "retryable": False,
        "findings": (),
    }


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("frobnicate",), "No such command 'frobnicate'.", 'see "atdm --help"'),
        (("show",), "Missing argument 'SCENARIO'.", 'see "atdm show --help"'),
        (("show", "x", "--nope"), "No such option '--nope'.", 'see "atdm show --help"'),
        (
            ("show", "x", "--output", "xml"),
            "Invalid value for '--output': 'xml' is not one of 'human', 'json'.",
            'see "atdm show --help"',
        ),
    ],
)
def test_wrong_words_are_an_error_of_usage(atdm_alone: Atdm, words: tuple[str, ...], message: str, hint: str) -> None:
    """What click refuses is told like every other error, with exit code 2."""
    outcome = atdm_alone(*words)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"error: {message}\nhint:  {hint}\ncode:  usage_error\n"


def test_wrong_words_are_json_where_json_is_asked_for(atdm_alone: Atdm) -> None:
    """The error of a command line that cannot be read is JSON too."""
    outcome = atdm_alone("show", "--output", "json")

    assert outcome.code == 2
    assert outcome.payload["error"]["message"] == "Missing argument 'SCENARIO'."


def test_no_words_show_the_help(atdm_alone: Atdm) -> None:
    """Without a command the help is shown, and the exit code says that nothing was done."""
    outcome = atdm_alone()

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("Usage: atdm [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["audit", "x", "--output", "json"], True),
        (["audit", "x", "--output=json"], True),
        (["audit", "--json", "x"], True),
        (["audit", "json"], False),
        (["--output", "human", "json"], False),
        ([], False),
    ],
)
def test_json_is_recognised_before_the_words_are_read(words: list[str], *, expected: bool) -> None:
    """Only ``--output json``, in either spelling, and ``--json`` ask for JSON."""
    assert wants_json(words) is expected


def test_a_bug_is_told_as_one(atdm_alone: Atdm, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception outside the tree ends with code 70, and its traceback goes to stderr."""

    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(group.commands["show"], "callback", break_down)

    outcome = atdm_alone("show", "x", "--output", "json")

    assert outcome.code == 70
    assert outcome.payload["error"]["code"] == "internal_error"
    assert outcome.payload["error"]["message"] == "ZeroDivisionError: oops"
    assert "break_down" in outcome.err


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C gives the exit code that shells know, and no traceback."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(group.commands["show"], "callback", interrupt)

    assert main(["show", "x"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_every_command_answers_in_both_forms() -> None:
    """Every command but the demo, which plays for people, has ``--output``, and each says what it does."""
    commands = dict(iter_commands())
    without = [
        path
        for path, command in commands.items()
        if not isinstance(command, click.Group) and "output" not in [parameter.name for parameter in command.params]
    ]

    assert without == ["atdm demo"]
    assert [path for path, command in commands.items() if not command.help] == []


def test_json_can_be_asked_for_in_one_word(atdm_alone: Atdm) -> None:
    """``--json`` is ``--output json``."""
    assert atdm_alone("scenarios", "--json").payload == atdm_alone("scenarios", "--output", "json").payload


def test_tables_are_aligned() -> None:
    """Columns are as wide as their widest cell, and no line ends in blanks."""
    assert format_table(("a", "bb"), [("xxx", 1), ("y", "")]) == ["a    bb", "---  --", "xxx  1", "y"]


def test_the_root_is_where_the_state_is(tmp_path: Path) -> None:
    """From a folder below, the nearest ``.atdm`` upwards counts; without one, or with a catalog, the folder itself."""
    (tmp_path / "project" / ".atdm").mkdir(parents=True)
    below, with_catalog = tmp_path / "project" / "a" / "b", tmp_path / "project" / "c"
    (with_catalog / "catalog").mkdir(parents=True)

    assert find_root(below) == tmp_path / "project"
    assert find_root(tmp_path / "other") == tmp_path / "other"
    assert find_root(with_catalog) == with_catalog
