"""A small claims application: the system under test of the demo.

    DATABASE_URL=postgresql://... python claims_application.py [--port 8000]

It prints its address in one line on stdout once it accepts requests. It knows its own tables and nothing else.
"""

from __future__ import annotations

import argparse
import datetime
import os
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import asyncpg
import uvicorn
from adjudication import Coverage, Decision, Facts, Member, Plan, decide, explain_missing_coverage, find_coverage
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import Parameter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from socket import socket
    from uuid import UUID


FACTS: Final = """
    SELECT claims.id, claims.status, claims.member_id, claims.service_date, claims.received_on, claims.billed_amount,
           claims.authorization_number, providers.network_status, providers.contracted_to, diagnosis_codes.billable,
           procedure_codes.covered, procedure_codes.needs_authorization, procedure_codes.fee,
           EXISTS (SELECT FROM claims AS other
                   WHERE other.member_id = claims.member_id AND other.provider_id = claims.provider_id
                     AND other.procedure_code = claims.procedure_code AND other.service_date = claims.service_date
                     AND other.status = 'paid' AND other.id <> claims.id
                     AND other.received_on <= claims.received_on) AS paid_before
    FROM claims
    JOIN providers ON providers.id = claims.provider_id
    JOIN procedure_codes ON procedure_codes.code = claims.procedure_code
    JOIN diagnosis_codes ON diagnosis_codes.code = claims.diagnosis_code
    WHERE claims.claim_number = $1
    FOR UPDATE OF claims
"""
COVERAGES: Final = """
    SELECT eligibility.id, effective_from, effective_to, terminated_on, deductible_met, deductible,
           coinsurance_percent, review_threshold, timely_filing_days, dependent_age_limit
    FROM eligibility JOIN plans ON plans.id = eligibility.plan_id
    WHERE member_id = $1
    ORDER BY coverage_rank, effective_from
"""
SUBMIT: Final = """
    INSERT INTO claims (claim_number, member_id, provider_id, procedure_code, diagnosis_code, service_date, received_on,
                        billed_amount, authorization_number, corrects_claim_id, status, pending_reason)
    SELECT $1, members.id, providers.id, procedure_codes.code, diagnosis_codes.code, $6, $7, $8, $9,
           (SELECT id FROM claims WHERE claim_number = $10), 'pending', 'received'
    FROM members, providers, procedure_codes, diagnosis_codes
    WHERE member_number = $2 AND npi = $3 AND procedure_codes.code = $4 AND diagnosis_codes.code = $5
    RETURNING id
"""
SETTLE: Final = """
    UPDATE claims SET status = $2, eligibility_id = $3, allowed_amount = $4, paid_amount = $5,
           pending_reason = CASE WHEN $2 = 'pending'::claim_status THEN $6 END,
           denial_reason = CASE WHEN $2 = 'denied'::claim_status THEN $6 END,
           decided_on = CASE WHEN $2 <> 'pending'::claim_status THEN received_on END
    WHERE id = $1
"""
RECORD: Final = """
    WITH decision AS (
        INSERT INTO claim_decisions (claim_id, outcome, reason) VALUES ($1, $2, $3) RETURNING id
    )
    INSERT INTO claim_decision_notes (decision_id, note) SELECT id, unnest($4::text[]) FROM decision
"""
SHOW: Final = """
    SELECT claim_number, status::text, coalesce(denial_reason, pending_reason) AS reason, service_date, billed_amount,
           allowed_amount, paid_amount, member_owes,
           (SELECT count(*) FROM claim_decisions WHERE claim_id = claims.id) AS decisions
    FROM claims WHERE claim_number = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a provider sends. *received_on* is today unless given; *corrects* is the number of an earlier claim."""

    member_number: str
    npi: str
    procedure_code: str
    diagnosis_code: str
    service_date: datetime.date
    billed_amount: Decimal
    received_on: datetime.date | None = None
    authorization_number: str | None = None
    corrects: str | None = None


@get("/healthz")
async def report_health(state: State) -> dict[str, str]:
    """Answer once the database does."""
    await state.pool.fetchval("SELECT 1")
    return {"status": "ok"}


@post("/claims")
async def submit_claim(state: State, data: Submission) -> dict[str, Any]:
    """Store a claim and decide it at once; 422 where it names somebody or a code that does not exist."""
    number = "SYN-C-" + secrets.token_hex(5).upper()
    async with state.pool.acquire() as connection, connection.transaction():
        await _store(connection, number, data)
        await _adjudicate(connection, number)
        return await _show(connection, number)


@post("/claims/{number:str}/adjudicate", status_code=200)
async def adjudicate_claim(state: State, number: str) -> dict[str, Any]:
    """Judge a stored claim by today's facts: a pending one is settled, a decided one keeps what it has.

    The answer is the claim, with the outcome and reason of this judgement as ``judged``.
    """
    async with state.pool.acquire() as connection, connection.transaction():
        decision = await _adjudicate(connection, number)
        judged = {
            "status": decision.status,
            "reason": decision.reason,
            "allowed_amount": decision.allowed_amount,
            "paid_amount": decision.paid_amount,
        }
        return {**await _show(connection, number), "judged": judged}


@get("/claims/{number:str}")
async def show_claim(state: State, number: str) -> dict[str, Any]:
    """Return a claim as it stands."""
    async with state.pool.acquire() as connection:
        return await _show(connection, number)


@get("/members/{number:str}/eligibility")
async def show_eligibility(
    state: State, number: str, day: Annotated[datetime.date, Parameter(query="on")]
) -> dict[str, Any]:
    """Say whether a member is covered on a day, and if not, why."""
    async with state.pool.acquire() as connection:
        member = await connection.fetchrow("SELECT * FROM members WHERE member_number = $1", number)
        if member is None:
            raise NotFoundException(f"no member {number}")
        person = await _read_member(connection, member)
    covered = find_coverage(person, day) is not None
    reason = None if covered else explain_missing_coverage(person, day)
    return {"member_number": number, "covered": covered, "reason": reason}


async def _store(connection: asyncpg.Connection, number: str, claim: Submission) -> None:
    stored = await connection.fetchval(
        SUBMIT,
        number,
        claim.member_number,
        claim.npi,
        claim.procedure_code,
        claim.diagnosis_code,
        claim.service_date,
        claim.received_on or datetime.datetime.now(datetime.UTC).date(),
        claim.billed_amount,
        claim.authorization_number,
        claim.corrects,
    )
    if stored is None:
        raise HTTPException("unknown member, provider, procedure or diagnosis", status_code=422)


async def _adjudicate(connection: asyncpg.Connection, number: str) -> Decision:
    claim = await connection.fetchrow(FACTS, number)
    if claim is None:
        raise NotFoundException(f"no claim {number}")
    decision = decide(await _read_facts(connection, claim))
    if claim["status"] == "pending":
        await _settle(connection, claim["id"], decision)
    notes = [f"{decision.status}: {decision.reason or 'every rule was met'}"]
    if decision.applied_to_deductible:
        notes.append(f"{decision.applied_to_deductible} applied to the deductible")
    await connection.execute(RECORD, claim["id"], decision.status, decision.reason, notes)
    return decision


async def _settle(connection: asyncpg.Connection, claim_id: int, decision: Decision) -> None:
    await connection.execute(
        SETTLE,
        claim_id,
        decision.status,
        decision.coverage_id,
        decision.allowed_amount,
        decision.paid_amount,
        decision.reason,
    )
    await connection.execute(
        "UPDATE eligibility SET deductible_met = deductible_met + $2 WHERE id = $1",
        decision.coverage_id,
        decision.applied_to_deductible,
    )


async def _show(connection: asyncpg.Connection, number: str) -> dict[str, Any]:
    claim = await connection.fetchrow(SHOW, number)
    if claim is None:
        raise NotFoundException(f"no claim {number}")
    return dict(claim)


async def _read_facts(connection: asyncpg.Connection, claim: asyncpg.Record) -> Facts:
    member = await connection.fetchrow("SELECT * FROM members WHERE id = $1", claim["member_id"])
    return Facts(
        member=await _read_member(connection, member),
        service_date=claim["service_date"],
        received_on=claim["received_on"],
        billed_amount=claim["billed_amount"],
        authorization_number=claim["authorization_number"],
        provider_in_network=claim["network_status"] == "in_network",
        provider_contracted_to=claim["contracted_to"],
        diagnosis_billable=claim["billable"],
        procedure_covered=claim["covered"],
        procedure_needs_authorization=claim["needs_authorization"],
        procedure_fee=claim["fee"],
        paid_before=claim["paid_before"],
    )


async def _read_member(connection: asyncpg.Connection, member: asyncpg.Record) -> Member:
    return Member(
        relationship=member["relationship"],
        birth_date=member["birth_date"],
        terminated_on=member["terminated_on"],
        coverages=await _read_coverages(connection, member["id"]),
        subscriber_coverages=await _read_coverages(connection, member["subscriber_id"]),
    )


async def _read_coverages(connection: asyncpg.Connection, member_id: UUID | None) -> tuple[Coverage, ...]:
    return tuple(
        Coverage(
            id=row["id"],
            plan=Plan(**{term: row[term] for term in Plan.__dataclass_fields__}),
            effective_from=row["effective_from"],
            effective_to=row["effective_to"],
            terminated_on=row["terminated_on"],
            deductible_met=row["deductible_met"],
        )
        for row in await connection.fetch(COVERAGES, member_id)
    )


def create_application(database_url: str) -> Litestar:
    """Return the application on the database at *database_url*."""

    @asynccontextmanager
    async def open_pool(application: Litestar) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
            application.state.pool = pool
            yield

    handlers = [report_health, submit_claim, adjudicate_claim, show_claim, show_eligibility]
    return Litestar(handlers, lifespan=[open_pool])


class AnnouncingServer(uvicorn.Server):
    """Prints its address once it accepts requests."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start to listen, then say where."""
        await super().startup(sockets)
        for server in self.servers:
            host, port = server.sockets[0].getsockname()[:2]
            print(f"http://{host}:{port}", flush=True)


def main() -> None:
    """Serve on 127.0.0.1 until a signal ends the process."""
    options = argparse.ArgumentParser(description="Claims application of the demo; reads DATABASE_URL.")
    options.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    application = create_application(os.environ["DATABASE_URL"])
    config = uvicorn.Config(application, port=options.parse_args().port, log_level="warning")
    AnnouncingServer(config).run()


if __name__ == "__main__":
    main()
