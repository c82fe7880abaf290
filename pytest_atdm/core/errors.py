"""Every error that ATDM raises, in one tree.

    AtdmError
    +-- UsageError                 the caller can fix it: exit 2, HTTP 4xx, pytest.UsageError
    |   +-- CatalogError           a catalog file is wrong (file and line in the message)
    |   +-- UnknownScenario        no such scenario in the catalog
    |   +-- OverrideError          a keyword of the request is unknown, out of range, or of the wrong type
    |   +-- ExpressionError        the text is not a Postgres expression that ATDM reads
    |   +-- SchemaMismatch         the scenario names a table, column or relation that the database lacks
    |   +-- PlanImpossible         no row satisfies the constraints that meet here
    |   +-- PlanRejected           the gate has findings (all of them in ``findings``)
    |   +-- PlanTampered           the bytes of a plan do not carry its hash, or are not canonical
    |   +-- InvalidRequest         a body, header or parameter is malformed, too large, or has unknown fields
    |   +-- Unauthorized           bearer token or cleanup token missing or wrong
    |   +-- NotFound               no such run or request
    |   +-- Conflict               the idempotency key was used for another plan, the run has ended or is another's
    |   +-- LeaseLost              the run's lease lapsed, or the run was started anew: its rows are gone
    |   +-- RowConflict            a row with the same unique key stands there already
    |   +-- RowRefused             the database refused a row (constraint or trigger, named)
    |   +-- NotATestDatabase       the target is neither embedded, marked, nor allowed by name, or on a far host
    |   +-- MarkError              the mark atdm_scenario is used in a way that cannot work
    |   +-- SettingError           an option, variable or ini value cannot be used
    |   +-- MigrationFailed        the migrations that make the target's tables did not run to their end
    |   +-- OutOfDate              a file that ATDM wrote is not what it would write now
    |   +-- DataNotFound           a folder that ships with the package is not where it belongs
    +-- SeederError                IO: exit 3, HTTP 5xx; ``retryable`` says whether to try again
    |   +-- SeederUnreachable      nobody answers at the seeder's address
    |   +-- SeederFailed           the seeder answered with something that is not an answer
    |   +-- DatabaseUnavailable    the seeder cannot reach Postgres
    |   +-- DatabaseBusy           somebody holds the rows, or a statement took too long
    |   +-- StoreUnavailable       the seeder cannot use its store: away, full, or it refuses
    |   +-- BaselineDamaged        a file of a baseline is not what was written
    |   +-- EmbeddedFailed         the embedded Postgres did not start, or has ended
    +-- InternalError              a bug in ATDM: exit 70, HTTP 500

``code`` is stable and lower-case; ``status`` is the HTTP status of the problem document; ``exit_code`` is the CLI's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class AtdmError(Exception):
    """Base of the tree: a message (what and where), a hint (what to do), and a stable code."""

    code: ClassVar[str] = "atdm_error"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str, findings: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.findings = tuple(findings)

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint} [{self.code}]"


class UsageError(AtdmError):
    """The caller can fix it."""

    code = "usage_error"
    status = 400
    exit_code = 2


class CatalogError(UsageError):
    """A catalog file is wrong."""

    code = "catalog_error"
    status = 422


class UnknownScenario(UsageError):
    """No such scenario in the catalog."""

    code = "unknown_scenario"
    status = 404


class OverrideError(UsageError):
    """A keyword of the request is unknown, out of range, or of the wrong type."""

    code = "override_error"
    status = 422


class ExpressionError(UsageError):
    """The text is not a Postgres expression that ATDM reads."""

    code = "expression_error"
    status = 422


class SchemaMismatch(UsageError):
    """The scenario names a table, column or relation that the database lacks."""

    code = "schema_mismatch"
    status = 422


class PlanImpossible(UsageError):
    """No row satisfies the constraints that meet here."""

    code = "plan_impossible"
    status = 422


class PlanRejected(UsageError):
    """The gate has findings; all of them are in ``findings``."""

    code = "plan_rejected"
    status = 422


class PlanTampered(UsageError):
    """The bytes of a plan do not carry its hash, or are not canonical."""

    code = "plan_tampered"
    status = 422


class InvalidRequest(UsageError):
    """A body, header or parameter is malformed, too large, or has unknown fields."""

    code = "invalid_request"
    status = 422


class Unauthorized(UsageError):
    """Bearer token or cleanup token missing or wrong."""

    code = "unauthorized"
    status = 401


class NotFound(UsageError):
    """No such run, request, table or constraint."""

    code = "not_found"
    status = 404


class Conflict(UsageError):
    """The idempotency key was used for another plan, the run has ended or is another's."""

    code = "conflict"
    status = 409


class LeaseLost(UsageError):
    """The run's lease lapsed, or the run was started anew: its rows are gone."""

    code = "lease_lost"
    status = 410


class RowConflict(UsageError):
    """A row with the same unique key stands there already."""

    code = "row_conflict"
    status = 409


class RowRefused(UsageError):
    """The database refused a row; the constraint or trigger is named."""

    code = "row_refused"
    status = 422


class NotATestDatabase(UsageError):
    """The target is neither embedded, marked, nor allowed by name, or is on a host that is not allowed."""

    code = "not_a_test_database"
    status = 403


class MarkError(UsageError):
    """The mark ``atdm_scenario`` is used in a way that cannot work."""

    code = "mark_error"


class SettingError(UsageError):
    """An option, variable or ini value cannot be used."""

    code = "setting_error"


class MigrationFailed(UsageError):
    """The migrations that make the target's tables did not run to their end."""

    code = "migration_failed"
    status = 422


class OutOfDate(UsageError):
    """A file that ATDM wrote is not what it would write now."""

    code = "out_of_date"


class DataNotFound(UsageError):
    """A folder that ships with the package is not where it belongs."""

    code = "data_not_found"


class SeederError(AtdmError):
    """Input or output failed; ``retryable`` says whether to try again."""

    code = "seeder_error"
    status = 502
    exit_code = 3


class SeederUnreachable(SeederError):
    """Nobody answers at the seeder's address."""

    code = "seeder_unreachable"
    status = 503
    retryable = True


class SeederFailed(SeederError):
    """The seeder answered with something that is not an answer."""

    code = "seeder_failed"


class DatabaseUnavailable(SeederError):
    """The seeder cannot reach Postgres."""

    code = "database_unavailable"
    status = 503
    retryable = True


class DatabaseBusy(SeederError):
    """Somebody holds the rows, or a statement took too long."""

    code = "database_busy"
    status = 503
    retryable = True


class StoreUnavailable(SeederError):
    """The seeder cannot use its store: it is away, full, or refuses."""

    code = "store_unavailable"
    status = 503
    retryable = True


class BaselineDamaged(SeederError):
    """A file of a baseline is missing, or not what was written."""

    code = "baseline_damaged"
    status = 500


class EmbeddedFailed(SeederError):
    """The embedded Postgres did not start, or has ended by itself."""

    code = "embedded_failed"
    status = 503


class InternalError(AtdmError):
    """A bug in ATDM."""

    code = "internal_error"


def iter_leaves(root: type[AtdmError] = AtdmError) -> Iterator[type[AtdmError]]:
    """Yield every error class without subclasses, in the order of the tree."""
    children = root.__subclasses__()
    if not children:
        yield root
    for child in children:
        yield from iter_leaves(child)


def error_for_code(code: str) -> type[AtdmError]:
    """Return the class that carries *code*; ``SeederFailed`` for a code this version does not know."""
    return next((leaf for leaf in iter_leaves() if leaf.code == code), SeederFailed)
