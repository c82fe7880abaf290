"""The gate: nothing reaches a table without passing it, in the test process and again in the seeder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.errors import PlanRejected
from pytest_atdm.core.gate.batches import BatchGate
from pytest_atdm.core.gate.check import Check, Validator, ValidatorFunction
from pytest_atdm.core.gate.passed import PassedParts
from pytest_atdm.core.gate.promises import find_broken_promises
from pytest_atdm.core.gate.referential import find_broken_references
from pytest_atdm.core.gate.values import find_value_faults, find_violations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.model import Finding, Plan
    from pytest_atdm.core.rulebook import Rulebook

__all__ = ("BatchGate", "Check", "Gate", "Validator", "ValidatorFunction", "reject")

BUILT_IN = (
    Validator("referential", find_broken_references),
    Validator("temporal", lambda check: find_violations(check, "temporal")),
    Validator("synthetic", lambda check: find_violations(check, "synthetic")),
    Validator("value", find_value_faults),
    Validator("promise", find_broken_promises),
)


class Gate:
    """The validators of one rulebook, in their order; *extra* ones come after the built-in."""

    def __init__(self, rulebook: Rulebook, extra: Sequence[Validator] = ()) -> None:
        self.rulebook = rulebook
        self._validators = (*BUILT_IN, *extra)
        self._passed = PassedParts(rulebook)

    @property
    def validators(self) -> tuple[str, ...]:
        """The names of the validators that a plan passes, in their order."""
        return tuple(validator.name for validator in self._validators)

    @property
    def has_others(self) -> bool:
        """True where validators other than the built-in take part."""
        return len(self._validators) > len(BUILT_IN)

    def check(self, plan: Plan) -> tuple[Finding, ...]:
        """Return everything that the validators object to, in their order and in the order of the plan's rows.

        A plan that names tables or columns which the schema lacks is judged on these alone.
        """
        check = Check(plan, self.rulebook, self._passed)
        if check.structure:
            return check.structure
        findings = tuple(finding for validator in self._validators for finding in validator.find(check))
        if not findings:
            self._passed.remember(check.parts)
        return findings

    def approve(self, plan: Plan) -> None:
        """Let *plan* pass.

        Raises:
            PlanRejected: with all findings.
        """
        findings = self.check(plan)
        if findings:
            raise reject(plan, findings)


def reject(plan: Plan, findings: Sequence[Finding]) -> PlanRejected:
    """Return the error that says what the gate found in *plan*."""
    lines = [f"{one.path}: {one.message} ({one.source})" for one in findings]
    return PlanRejected(
        f"{plan.scenario}: the gate has {len(findings)} finding{'s' * (len(findings) > 1)}:\n  " + "\n  ".join(lines),
        hint="; ".join(dict.fromkeys(one.fix for one in findings)),
        findings=findings,
    )
