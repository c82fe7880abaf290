"""Values to bytes and back: canonical where a hash stands on it, strict where bytes come from outside.

Canonical JSON, of plans: keys sorted, no spaces, UTF-8 without escapes, floats in their shortest form. Reading refuses
missing fields and wrong types with the path to them, and unknown fields too, but for ``load_lenient``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import json
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from pytest_atdm.core.errors import InvalidRequest, PlanTampered
from pytest_atdm.core.model import PLAN_FORMAT, Plan
from pytest_atdm.core.schema import Schema

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Value = TypeVar("Value")
_MAX_BRACKETS: Final = 200  # as deep as pydantic reads
_MAX_FAULTS: Final = 20  # a hostile body must not buy an answer larger than itself


def dump(value: object) -> bytes:
    """Return a dataclass, or JSON values, as JSON with sorted keys: what a client sends.

    Raises:
        ValueError: NaN or an infinity, which JSON does not know.
    """
    return _ENCODER.encode(value).encode()


def _default(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_default
)
#: A seventh of the time of the encoder above, which knows NaN when it sees it.
_PLAN_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def load(data: bytes | str, kind: type[Value], *, what: str) -> Value:
    """Return the *kind* that *data* (JSON) describes; *what* names it in the message.

    Raises:
        InvalidRequest: not JSON, unknown or missing fields, wrong types; every fault with its path.
    """
    from pydantic import ValidationError  # lazy: startup

    try:
        value: Value = _adapter(kind).validate_json(data)  # type: ignore[arg-type]
    except ValidationError as exc:
        faults = [f"$.{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors()[:_MAX_FAULTS]]
        raise InvalidRequest(
            f"{what} cannot be read: {'; '.join(faults)}", hint="send exactly the documented fields and types"
        ) from exc
    return value


@cache
def _adapter(kind: type[Value]) -> TypeAdapter[Value]:
    from pydantic import TypeAdapter  # lazy: startup

    return TypeAdapter(kind)


def load_lenient(data: bytes, kind: type[Value], *, what: str) -> Value:
    """Return what ``load`` does in half the time, but leave out fields that *kind* has not.

    Raises:
        InvalidRequest: not JSON, missing fields, wrong types; every fault with its path.
    """
    # As many brackets bound the depth: what is nested so deeply that Python's stack ends is for ``load`` to refuse.
    if data.count(b"[") + data.count(b"{") <= _MAX_BRACKETS:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            value: Value = _decoder(kind).decode(data)  # type: ignore[arg-type]
            return value
    return load(data, kind, what=what)  # whose message names every fault


@cache
def _decoder(kind: type[Value]) -> msgspec.json.Decoder[Value]:
    return msgspec.json.Decoder(kind)


def dump_plan(plan: Plan) -> bytes:
    """Return the canonical bytes of *plan*: the same value has the same bytes.

    Cells are taken as they are; a float that JSON does not know is refused by the gate before.
    """
    return _PLAN_ENCODER.encode(plan)


def plan_hash(data: bytes) -> str:
    """Return ``sha256:`` and 64 hex digits over the bytes of a plan."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def load_plan(data: bytes, expected_hash: str) -> Plan:
    """Return the plan in *data*.

    Raises:
        PlanTampered: the bytes do not carry *expected_hash*, or are not the canonical form.
        InvalidRequest: the bytes are not a plan of this version.
    """
    if not hmac.compare_digest(plan_hash(data).encode(), expected_hash.encode()):
        raise PlanTampered(
            f"the plan's bytes hash to {plan_hash(data)}, not to {expected_hash}",
            hint="send the bytes that were planned and gated, unchanged",
        )
    plan = _require_format(load_lenient(data, Plan, what="the plan"))
    if dump_plan(plan) != data:
        load(data, Plan, what="the plan")  # says so where a field is unknown
        raise PlanTampered("the plan's bytes are not canonical JSON", hint="send the bytes that dump_plan made")
    return plan


def load_trial(data: bytes) -> Plan:
    """Return the plan in *data* that is only to be tried: no hash stands on its bytes.

    Raises:
        InvalidRequest: the bytes are not a plan of this version.
    """
    return _require_format(load(data, Plan, what="the plan"))


def _require_format(plan: Plan) -> Plan:
    if plan.format != PLAN_FORMAT:
        raise InvalidRequest(
            f"plan format {plan.format} is not {PLAN_FORMAT}", hint="use the same version of pytest-atdm on both sides"
        )
    return plan


def load_schema(data: bytes) -> Schema:
    """Return the schema that ``core.schema.dump_schema`` wrote."""
    return load(data, Schema, what="the schema")
