"""From text to tree, by Postgres' own grammar (libpg_query)."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import pgparse  # type: ignore[import-not-found]  # it ships no types

from pytest_atdm.core.errors import ExpressionError
from pytest_atdm.core.expressions.keywords import RESERVED_WORDS
from pytest_atdm.core.expressions.tree import (
    And,
    Array,
    Call,
    Case,
    Cast,
    Expr,
    IsNull,
    IsTruth,
    Literal,
    Name,
    Not,
    Opaque,
    Operation,
    Or,
    Quantified,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_PREFIX: Final = "SELECT ("
_MAX_BIGINT: Final = 2**63 - 1  # larger literals are numeric

#: Internal names of types, as ``format_type`` spells them.
TYPE_SPELLINGS: Final = {
    "int2": "smallint",
    "int4": "integer",
    "int": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "decimal": "numeric",
    "varchar": "character varying",
    "bpchar": "character",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}
#: A literal, a quoted name, or a plain name before a point.
_QUALIFIER: Final = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\b[A-Za-z_]\w*(?=\.[A-Za-z_"])""")
_INTERVAL_FIELDS: Final = {2: "month", 4: "year", 8: "day", 1024: "hour", 2048: "minute", 4096: "second"}
_AS_OF: Final = Name(("as_of",))
_MOMENTS: Final[dict[str, Expr]] = {
    "SVFOP_CURRENT_DATE": _AS_OF,
    "SVFOP_CURRENT_TIMESTAMP": Cast(_AS_OF, "timestamp with time zone"),
    "SVFOP_LOCALTIMESTAMP": Cast(_AS_OF, "timestamp without time zone"),
}
_NOW: Final = frozenset({"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp"})
_TRUTHS: Final = {
    "IS_TRUE": (True, False),
    "IS_NOT_TRUE": (True, True),
    "IS_FALSE": (False, False),
    "IS_NOT_FALSE": (False, True),
    "IS_UNKNOWN": (None, False),
    "IS_NOT_UNKNOWN": (None, True),
}

_Node = dict[str, Any]  # what pgparse returns: one key, the node's kind


class _Unread(Exception):
    """This node is not understood; the caller makes it Opaque."""


@lru_cache(maxsize=4096)
def parse(text: str, *, source: str = "") -> Expr:
    """Return the tree of the Postgres expression *text*.

    What is not understood becomes ``Opaque``; ``current_date`` and ``now()`` become the name ``as_of``, so that the
    same text means the same whenever it is evaluated. A reserved word before a point (``order.amount``) is a name.

    Raises:
        ExpressionError: *text* is not one Postgres expression; the message names *source*.
    """
    try:
        node = _select_expression(text)
    except pgparse.PGQueryError as problem:
        quoted = _quote_reserved_words(text)
        if quoted != text:
            return parse(quoted, source=source)
        raise _not_an_expression(text, source, _locate(problem, text)) from None
    if node is None:
        raise _not_an_expression(text, source, "it is more than one expression")
    return _Reader(text).read(node)


def _locate(problem: pgparse.PGQueryError, text: str) -> str:
    """Return what is wrong and where, counted from 1; past the end the grammar met our own parenthesis."""
    place = max(problem.position - len(_PREFIX), 1)
    return "it ends too early" if place > len(text) else f"{problem.message} (at character {place})"


def _not_an_expression(text: str, source: str, why: str) -> ExpressionError:
    return ExpressionError(
        f"{source or 'expression'}: {text!r} is not a Postgres expression: {why}",
        hint="write one SQL expression, for example  status = 'open' AND closed_on IS NULL",
    )


def _quote_reserved_words(text: str) -> str:
    """Return *text* with quotes around each reserved word that stands before a point, such as an entity ``order``."""
    return _QUALIFIER.sub(lambda found: f'"{found[0]}"' if found[0].lower() in RESERVED_WORDS else found[0], text)


def _select_expression(text: str) -> _Node | None:
    """Return the node of *text*, or None where it closes the parenthesis and goes on."""
    statements = pgparse.parse(f"{_PREFIX}{text}\n)")
    if isinstance(statements, str):  # some releases answer with JSON text
        statements = pgparse.json.loads(statements)
    select = statements[0]["stmt"].get("SelectStmt", {})
    targets = select.get("targetList", [])
    extra = select.keys() - {"targetList", "limitOption", "op"}
    if len(statements) != 1 or len(targets) != 1 or extra or targets[0]["ResTarget"].keys() - {"val", "location"}:
        return None
    node: _Node = targets[0]["ResTarget"]["val"]
    return node


class _Reader:
    """Translates the nodes of one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, node: _Node) -> Expr:
        kind, body = next(iter(node.items()))
        reader = _READERS.get(kind)
        try:
            return reader(self, body) if reader else self.opaque(node)
        except _Unread:
            return self.opaque(node)

    def read_all(self, nodes: Sequence[_Node]) -> tuple[Expr, ...]:
        return tuple(map(self.read, nodes))

    def opaque(self, node: _Node) -> Opaque:
        """Find the text of *node*: the shortest slice that parses to it; the grammar tells only starts."""
        raw = self.text.encode()
        places = [place - len(_PREFIX) for place in _iter_locations(node) if place >= len(_PREFIX)]
        wanted = _without_locations(node)
        if places:
            for end in range(max(places) + 1, len(raw) + 1):
                if end < len(raw) and raw[end - 1 : end] not in b")]'\"" and raw[end : end + 1] not in b" )],":
                    continue
                piece = raw[min(places) : end].decode(errors="replace")
                if _parses_to(piece, wanted):
                    return Opaque(piece)
        return Opaque(self.text)


def _parses_to(piece: str, wanted: object) -> bool:
    try:
        node = _select_expression(piece)
    except pgparse.PGQueryError:
        return False
    return node is not None and _without_locations(node) == wanted


def _iter_locations(node: object) -> Iterator[int]:
    if isinstance(node, dict):
        if isinstance(node.get("location"), int):
            yield node["location"]
        for part in node.values():
            yield from _iter_locations(part)
    elif isinstance(node, list):
        for part in node:
            yield from _iter_locations(part)


def _without_locations(node: object) -> object:
    if isinstance(node, dict):
        return {key: _without_locations(part) for key, part in node.items() if key != "location"}
    if isinstance(node, list):
        return [_without_locations(part) for part in node]
    return node


def _read_constant(_reader: _Reader, body: _Node) -> Expr:
    if body.get("isnull"):
        return Literal(None)
    if "ival" in body:
        return Literal(body["ival"].get("ival", 0))
    if "fval" in body:
        return Literal(_read_number(body["fval"]["fval"].replace("_", "")))
    if "boolval" in body:
        return Literal(bool(body["boolval"].get("boolval", False)))
    if "sval" in body:
        return Literal(body["sval"].get("sval", ""))
    raise _Unread


def _read_number(text: str) -> int | Decimal:
    if text[:2].lower() in {"0x", "0o", "0b"}:
        return int(text, 0)
    number = Decimal(text)
    return int(number) if text.isdigit() and number <= _MAX_BIGINT else number


def _read_name(_reader: _Reader, body: _Node) -> Expr:
    fields = body["fields"]
    if any("String" not in field for field in fields):
        raise _Unread
    return Name(tuple(field["String"]["sval"] for field in fields))


def _read_logic(reader: _Reader, body: _Node) -> Expr:
    args = reader.read_all(body["args"])
    if body["boolop"] == "NOT_EXPR":
        return Not(args[0])
    return And(args) if body["boolop"] == "AND_EXPR" else Or(args)


def _read_null_test(reader: _Reader, body: _Node) -> Expr:
    test = IsNull(reader.read(body["arg"]))
    return test if body.get("nulltesttype", "IS_NULL") == "IS_NULL" else Not(test)


def _read_truth_test(reader: _Reader, body: _Node) -> Expr:
    truth, negated = _TRUTHS[body.get("booltesttype", "IS_TRUE")]
    test = IsTruth(reader.read(body["arg"]), truth)
    return Not(test) if negated else test


def _read_cast(reader: _Reader, body: _Node) -> Expr:
    arg, type_name = reader.read(body["arg"]), body["typeName"]
    if type_name["names"][-1]["String"]["sval"] == "interval" and "typmods" in type_name:
        return _read_interval(arg, type_name)
    if arg == Literal(None):
        return arg
    return Cast(arg, _spell_type(type_name))


def _read_interval(arg: Expr, type_name: _Node) -> Expr:
    field = _INTERVAL_FIELDS.get(type_name["typmods"][0].get("A_Const", {}).get("ival", {}).get("ival", 0))
    if field and isinstance(arg, Literal) and str(arg.value).strip().lstrip("+-").isdigit():
        return Cast(Literal(f"{arg.value} {field}"), "interval")
    raise _Unread


def _spell_type(type_name: _Node) -> str:
    words = [part["String"]["sval"] for part in type_name["names"]]
    if words[0] == "pg_catalog" and len(words) > 1:
        words = words[1:]
    bare = ".".join(words)
    modifiers = [str(_modifier(node)) for node in type_name.get("typmods", ())]
    spelling = TYPE_SPELLINGS.get(bare, bare)
    if modifiers:
        word, _, rest = spelling.partition(" with") if spelling.startswith("time") else (spelling, "", "")
        tail = spelling[len(word) :] if rest else ""
        spelling = f"{word}({','.join(modifiers)}){tail}"
    return spelling + "[]" * len(type_name.get("arrayBounds", ()))


def _modifier(node: _Node) -> int:
    if "A_Const" not in node or "ival" not in node["A_Const"]:
        raise _Unread
    number: int = node["A_Const"]["ival"].get("ival", 0)
    return number


def _read_operation(reader: _Reader, body: _Node) -> Expr:
    shape = body.get("kind", "AEXPR_OP")
    if len(body["name"]) > 1 and body["name"][0]["String"]["sval"] != "pg_catalog":
        raise _Unread
    operator = body["name"][-1]["String"]["sval"]
    if "BETWEEN" in shape:
        return _read_between(reader, body, shape)
    if shape == "AEXPR_IN":
        items = Array(reader.read_all(body["rexpr"]["List"]["items"]))
        return Quantified(operator, "any" if operator == "=" else "all", reader.read(body["lexpr"]), items)
    args = tuple(reader.read(body[side]) for side in ("lexpr", "rexpr") if side in body)
    return _OPERATIONS[shape](_canonical(operator), args) if shape in _OPERATIONS else _unread()


def _unread() -> Expr:
    raise _Unread


def _canonical(operator: str) -> str:
    return "<>" if operator == "!=" else operator


def _make_operation(operator: str, args: tuple[Expr, ...]) -> Expr:
    if operator == "-" and len(args) == 1 and isinstance(args[0], Literal) and type(args[0].value) in {int, Decimal}:
        return Literal(-args[0].value)  # type: ignore[operator]
    return Operation(operator, args)


_OPERATIONS: Final[dict[str, Callable[[str, tuple[Expr, ...]], Expr]]] = {
    "AEXPR_OP": _make_operation,
    "AEXPR_LIKE": Operation,
    "AEXPR_ILIKE": Operation,
    "AEXPR_SIMILAR": Operation,
    "AEXPR_OP_ANY": lambda operator, args: Quantified(operator, "any", *args),
    "AEXPR_OP_ALL": lambda operator, args: Quantified(operator, "all", *args),
    "AEXPR_DISTINCT": lambda _, args: Operation("is distinct from", args),
    "AEXPR_NOT_DISTINCT": lambda _, args: Not(Operation("is distinct from", args)),
    "AEXPR_NULLIF": lambda _, args: Call("nullif", args),
}


def _read_between(reader: _Reader, body: _Node, shape: str) -> Expr:
    arg = reader.read(body["lexpr"])
    low, high = reader.read_all(body["rexpr"]["List"]["items"])
    inside = _between(arg, low, high)
    if shape in {"AEXPR_BETWEEN_SYM", "AEXPR_NOT_BETWEEN_SYM"}:
        inside = Or((inside, _between(arg, high, low)))
    if "NOT" not in shape:
        return inside
    return Not(inside) if isinstance(inside, Or) else Or((Operation("<", (arg, low)), Operation(">", (arg, high))))


def _between(arg: Expr, low: Expr, high: Expr) -> Expr:
    return And((Operation(">=", (arg, low)), Operation("<=", (arg, high))))


def _read_array(reader: _Reader, body: _Node) -> Expr:
    return Array(reader.read_all(body.get("elements", ())))


def _read_case(reader: _Reader, body: _Node) -> Expr:
    whens = [when["CaseWhen"] for when in body["args"]]
    conditions = reader.read_all([when["expr"] for when in whens])
    if "arg" in body:
        subject = reader.read(body["arg"])
        conditions = tuple(Operation("=", (subject, condition)) for condition in conditions)
    results = reader.read_all([when["result"] for when in whens])
    otherwise = reader.read(body["defresult"]) if "defresult" in body else Literal(None)
    return Case(tuple(zip(conditions, results, strict=True)), otherwise)


def _read_call(reader: _Reader, body: _Node) -> Expr:
    if body.keys() - {"funcname", "args", "funcformat", "location"}:
        raise _Unread  # DISTINCT, FILTER, OVER, VARIADIC ...
    words = [part["String"]["sval"] for part in body["funcname"]]
    name = ".".join(words[1:] if words[0] == "pg_catalog" and len(words) > 1 else words)
    if name in _NOW and "args" not in body:
        return _MOMENTS["SVFOP_CURRENT_TIMESTAMP"]
    return Call(name, reader.read_all(body.get("args", ())))


def _read_moment(_reader: _Reader, body: _Node) -> Expr:
    if body["op"] not in _MOMENTS:
        raise _Unread
    return _MOMENTS[body["op"]]


def _read_collate(reader: _Reader, body: _Node) -> Expr:
    if body["collname"][-1]["String"]["sval"] not in {"default", "C", "POSIX", "ucs_basic"}:
        raise _Unread  # it may call different texts equal
    return reader.read(body["arg"])


_READERS: Final[dict[str, Callable[[_Reader, _Node], Expr]]] = {
    "A_Const": _read_constant,
    "ColumnRef": _read_name,
    "BoolExpr": _read_logic,
    "NullTest": _read_null_test,
    "BooleanTest": _read_truth_test,
    "TypeCast": _read_cast,
    "A_Expr": _read_operation,
    "A_ArrayExpr": _read_array,
    "CaseExpr": _read_case,
    "CoalesceExpr": lambda reader, body: Call("coalesce", reader.read_all(body["args"])),
    "MinMaxExpr": lambda reader, body: Call(
        "least" if body.get("op") == "IS_LEAST" else "greatest", reader.read_all(body["args"])
    ),
    "FuncCall": _read_call,
    "SQLValueFunction": _read_moment,
    "CollateClause": _read_collate,
}
