"""The pages of docs/reference that come from code."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel

from pytest_atdm import _options, hookspecs
from pytest_atdm.core.audit import CLIENT_EVENTS, EventKind
from pytest_atdm.core.catalog import files, merge
from pytest_atdm.core.errors import AtdmError, iter_leaves
from pytest_atdm.core.gate.check import Validator
from pytest_atdm.core.model import Finding
from pytest_atdm.emit import Emitter, built_in_emitters
from seeder.__main__ import _make_parser
from seeder.limits import LIMITS
from seeder.settings import Settings
from tests.architecture.repository import ROOT
from tests.docs import meanings
from tests.docs.http_reference import render_http_api
from tests.docs.llms import render_llms
from tests.docs.markdown import join_paragraphs, render_table, to_code
from tests.docs.plugin_reference import render_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

NOTE: Final = "Written by `python -m tests.docs` from the code; a test compares the two."


def render_errors() -> str:
    """Return the page about the error tree."""
    tree = re.findall(r"^    (\S.*)$", inspect.getdoc(inspect.getmodule(AtdmError)) or "", flags=re.MULTILINE)
    branches = [branch for branch in AtdmError.__subclasses__() if branch.__subclasses__()]
    rows = (
        [f"`{leaf.code}`", f"`{leaf.__name__}`", _first_line(leaf), str(leaf.status), str(leaf.exit_code),
         "yes" if leaf.retryable else ""]
        for leaf in iter_leaves()
    )  # fmt: skip
    return join_paragraphs(
        "# Errors",
        NOTE,
        "Every error is one of this tree. It has a message (what and where), a hint (what to do) and a code that stays "
        "the same. The plugin reports it at the test or ends the session with it; the command line exits with its exit "
        "code; the seeder answers a problem document (RFC 9457) with its status.",
        "```text\nAtdmError\n" + "\n".join(line for line in tree if line.startswith(("+", "|"))) + "\n```",
        "Caught by branch: "
        + "; ".join(f"`{branch.__name__}` is exit code {branch.exit_code}" for branch in branches)
        + f"; `InternalError` is exit code {AtdmError.exit_code}.",
        render_table(["code", "class", "meaning", "HTTP status", "exit code", "try again"], rows),
    )


def render_catalog() -> str:
    """Return the page about the files of a catalog."""
    assert meanings.ENTITY_KEYS.keys() == merge._ENTITY_WORDS, "an entity has other keys by now"
    assert tuple(meanings.USES) == get_args(files.UseKind), "tables have other uses by now"
    kinds = ", ".join(f"`{kind}`" for kind in ("integer", "number", "text", "boolean", "date"))
    return join_paragraphs(
        "# Catalog files",
        NOTE,
        "A catalog is a folder with one folder per domain. Everything that is not named here is refused, with file and "
        "line; so are duplicate keys, aliases and tags of YAML.",
        "```text\n<domain>/domain.yaml\n<domain>/requirements.yaml\n<domain>/reference/<table>.yaml\n"
        "<domain>/scenarios/<id>.yaml\n<domain>/mixins/<id>.yaml\n```",
        "The file name is the id of a scenario or mixin; ids are unique in the whole catalog. A mixin has the format "
        "of a scenario and cannot be asked for.",
        "## Scenario and mixin",
        _render_fields(files.ScenarioFile),
        "Laid over one another, lowest first: `extends`, the mixins in their order, the file itself. Entities merge "
        "column by column, parameters as a whole; promises and requirements add up; title, intent, examples and "
        "expectation do not descend.",
        "## Parameter",
        f"Types: {kinds}.",
        _render_fields(files.ParameterFile),
        "## Entity",
        render_table(["key", "meaning"], ([f"`{key}`", text] for key, text in meanings.ENTITY_KEYS.items())),
        "Every other key is a column or a relation:",
        render_table(["value", "meaning"], ([f"`{value}`", text] for value, text in meanings.VALUES.items())),
        f"Names that a parameter cannot have: {', '.join(f'`{name}`' for name in sorted(merge.RESERVED))}. `index` is "
        "the number of a row within a count, from 0. Columns that nobody gives are left to their default, or filled "
        "with values that keep the constraints. A required parent that nobody names is the one entity of that table, "
        "or a row made for it.",
        "## Domain",
        _render_fields(files.DomainFile),
        _render_fields(files.RulesFile),
        _render_fields(files.RuleFile),
        "A column under `columns` has exactly one of these:",
        _render_fields(files.ColumnFile),
        "Its values still satisfy every condition and type, and differ where a unique constraint says so. A column "
        "that could stay NULL, or at its default, gets a value too, unless a condition forbids it or the scenario "
        "gives one. How-to: [steer generated values](../how-to/steer-generated-values.md).",
        "A table under `tables` is one of these:",
        render_table(["table", "meaning"], ([f"`{kind}`", text] for kind, text in meanings.USES.items())),
        "An entry of `references`:",
        _render_fields(files.VirtualReferenceFile),
        "It is as a foreign key is: a mandatory column gets a parent row, scenarios name the relation, rules follow "
        "it, the gate judges it, and a reset removes what hangs below. With `by`, the given value decides, else the "
        "row that the scenario names, else the first; both columns are set. Rules do not follow it then.",
        "A column under `masks` has one of these:",
        render_table(["mask", "the baseline holds"], ([name, text] for name, text in meanings.MASKS.items())),
        "NULL stays NULL. A mask of a column is that of all columns that foreign keys, `references` and inheritance "
        "tie to it. `null`, `generator` and a constant are for columns that nothing refers to and no unique "
        "constraint has. How-to: [mask what baselines hold](../how-to/mask-what-baselines-hold.md).",
        "## Requirements",
        "A list of:",
        _render_fields(files.RequirementFile),
        "## Reference rows",
        _render_fields(files.ReferenceFile),
    )  # fmt: skip


def render_configuration() -> str:
    """Return the page about settings."""
    options = (
        [f"`{option.flag} {option.metavar}`", f"`{option.variable}`", f"`{option.key}`", option.help]
        for option in _options.OPTIONS
    )
    return join_paragraphs(
        "# Configuration",
        NOTE,
        "## Plugin",
        "An option wins over the environment, the environment over pytest's ini file, that over the table "
        "`[tool.atdm]` of `pyproject.toml` (keys as the ini file's, without `atdm_`), and this over the default. The "
        "header of a session says where each value came from.",
        render_table(["option", "environment", "ini key", "meaning"], options),
        "`--atdm-reset-all` first removes every row that any earlier run left behind, but refuses while others are at "
        "work, unless `--atdm-force` is there too. `--atdm-show-data` shows the rows of passed tests. "
        "`--atdm-scenarios` lists the scenarios of the catalog and runs no test. `--atdm-coverage` says at the end "
        "what the tests have shown of the requirements; how-to: [cover requirements](../how-to/cover-requirements.md). "
        f"`{_options.TOKEN_VARIABLE}` "
        "holds the token of a seeder that somebody else runs; it has no option and no ini key, because command lines "
        "are visible and ini files are committed.",
        "## Seeder",
        "`atdm-seeder serve`, also `python -m seeder serve`:",
        render_table(["option", "meaning"], _seeder_options()),
        render_table(["environment", "meaning"], ([f"`{k}`", v] for k, v in meanings.SEEDER_VARIABLES.items())),
        "`atdm-seeder migrate` applies ATDM's migrations and grants rights as the owner (`--database-url`, else "
        "`ATDM_OWNER_DATABASE_URL`, else `ATDM_DATABASE_URL`), prints what it did, and ends. "
        "How-to: [let the tests connect with few rights]"
        "(../how-to/use-your-own-database.md#let-the-tests-connect-with-few-rights).",
        "### Limits",
        "Of one request or statement each, for any seeder, set in its environment; whole numbers from 1.",
        render_table(["environment", "default", "limits"], _limits()),
    )


def render_hooks() -> str:
    """Return the page about the hooks."""
    parts = []
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        if name.startswith("pytest_atdm_"):
            signature = str(inspect.signature(function)).replace("'", "")
            parts += [f"## {name}", f"```python\ndef {name}{signature}: ...\n```", _describe(function)]
    emitters = ", ".join(f"`{emitter.name}`" for emitter in built_in_emitters())
    return join_paragraphs(
        "# Hooks",
        NOTE,
        "Implement a hook in a `conftest.py` or in a plugin. How-to: "
        "[write a custom validator or emitter](../how-to/write-a-validator-or-emitter.md).",
        *parts,
        "## What they return",
        f"`Validator(name, find)`, from `pytest_atdm.core.gate`: {_describe(Validator)}",
        f"`Emitter`, from `pytest_atdm.emit`: {_describe(Emitter)} `emit(bundle, folder)`: {_describe(Emitter.emit)} "
        f"Built in: {emitters}.",
        f"`Finding({', '.join(Finding.__dataclass_fields__)})`, from `pytest_atdm.core.model`: {_describe(Finding)}",
    )


def render_audit_events() -> str:
    """Return the page about the audit log's events."""
    rows = ([f"`{kind}`", meanings.EVENTS[kind], "client" if kind in CLIENT_EVENTS else "seeder"] for kind in EventKind)
    return join_paragraphs(
        "# Audit events",
        NOTE,
        "Every change of state commits together with its event. Events are never changed or removed: the database "
        "refuses it, and there is no route for it.",
        render_table(["kind", "meaning", "said by"], rows),
        "Each event is chained to the one before it in its run: `hash = sha256(previous hash || body)`, where the body "
        "is the exact text that is stored, and the first follows 32 zero bytes. `GET /audit/runs/{run_id}` gives every "
        "body with its hashes, so that anybody can check the chain again.",
    )


PAGES: Final[dict[str, Callable[[], str]]] = {
    "docs/reference/errors.md": render_errors,
    "docs/reference/catalog.md": render_catalog,
    "docs/reference/configuration.md": render_configuration,
    "docs/reference/http-api.md": lambda: render_http_api(NOTE),
    "docs/reference/hooks.md": render_hooks,
    "docs/reference/plugin.md": lambda: render_plugin(NOTE),
    "docs/reference/audit-events.md": render_audit_events,
    "docs/llms.txt": render_llms,  # the last, for it reads the others
}


def write_pages() -> None:
    """Write every page."""
    for path, render in PAGES.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(render(), encoding="utf-8")


def find_stale_pages() -> list[str]:
    """Return the paths of the pages that are missing, or differ from what the code says."""
    return [
        path
        for path, render in PAGES.items()
        if not (ROOT / path).is_file() or (ROOT / path).read_text(encoding="utf-8") != render()
    ]


def _render_fields(model: type[BaseModel]) -> str:
    texts = meanings.FIELDS[model.__name__]
    rows = (
        [f"`{name}`", _type_name(field.annotation), "yes" if field.is_required() else "", texts[name]]
        for name, field in model.model_fields.items()
    )
    return render_table(["key", "type", "required", "meaning"], rows)


def _type_name(annotation: Any) -> str:
    """Return a reader's word for the type of a field."""
    text = re.sub(r"typing\.|pytest_atdm\.core\.catalog\.files\.", "", str(annotation))
    for pattern, word in _TYPE_WORDS:
        if re.search(pattern, text):
            return word
    raise AssertionError(f"no word for the type {text}")


_TYPE_WORDS: Final = (
    (r"^dict|RulesFile", "mapping"),
    (r"RuleFile", "list of rules"),
    (r"VirtualReferenceFile", "list of references"),
    (r"^list\[dict", "list of mappings"),
    (r"^(?:Optional\[)?(?:Annotated\[)?list", "list"),
    (r"^Literal", "word"),
    (r"str.*dict", "text or mapping"),
    (r"int.*float.*str|bool.*int", "scalar"),
    (r"str", "text"),
)


def _seeder_options() -> list[list[str]]:
    parser = _make_parser({})
    serve = next(action for action in parser._actions if action.dest == "command").choices["serve"]  # type: ignore[index]
    rows = []
    for action in serve._actions:
        if action.dest != "help":
            name = f"{action.option_strings[0]} {action.metavar or action.dest.upper()}"
            shown = name if action.nargs is None else action.option_strings[0]
            rows.append([f"`{shown}`", (action.help or "") % {"default": action.default}])
    return rows


def _limits() -> list[list[str]]:
    defaults = {name: field.default for name, field in Settings.__dataclass_fields__.items()}
    return [[f"`{limit.variable}`", f"{defaults[limit.field]:,}", limit.meaning] for limit in LIMITS]


def _first_line(thing: object) -> str:
    return to_code((inspect.getdoc(thing) or "").partition("\n")[0]).rstrip(".")


def _describe(thing: object) -> str:
    return to_code(inspect.getdoc(thing) or "")
