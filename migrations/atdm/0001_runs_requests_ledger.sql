-- Everything ATDM keeps stands in the schema atdm; DROP SCHEMA atdm CASCADE uninstalls it. The target's tables are never altered.
-- Ids are ULIDs: COLLATE "C" makes their order the order of their making.
-- No CHECKs and no foreign keys on what every request writes: Postgres would read and compile them anew for each statement.

CREATE TABLE atdm.run (
    run_id text COLLATE "C" PRIMARY KEY,
    session_id text NOT NULL,
    actor text NOT NULL,
    seed bigint NOT NULL,
    as_of date NOT NULL,
    state text NOT NULL DEFAULT 'active', -- or 'ended'
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    -- How often the run was started: an ended run can be started again.
    epoch integer NOT NULL DEFAULT 1,
    -- Evidence of what was there before: see atdm.is_new.
    positions jsonb NOT NULL,
    audit_seq bigint NOT NULL DEFAULT 0,
    audit_head bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
) WITH (fillfactor = 50); -- every event moves audit_seq and audit_head: room for HOT updates

-- Only active runs have live requests. None of the request's own indexes knows its state, so that a reset moves no entry in them.
CREATE INDEX run_active ON atdm.run (run_id) WHERE state = 'active';

CREATE TABLE atdm.request (
    request_id text COLLATE "C" PRIMARY KEY,
    run_id text COLLATE "C" NOT NULL,
    epoch integer NOT NULL,
    request_key text NOT NULL,
    idempotency_key text NOT NULL,
    scenario text NOT NULL,
    plan_hash text NOT NULL,
    token_hash bytea NOT NULL,
    state text NOT NULL DEFAULT 'live', -- or 'reset'
    context jsonb NOT NULL,
    counts jsonb NOT NULL,
    positions jsonb NOT NULL,
    -- The rows by row name, for a replay; json because it keeps the order of columns. Given up with the reset.
    answer json,
    report jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reset_at timestamptz,
    UNIQUE (run_id, epoch, idempotency_key)
) WITH (fillfactor = 50);

-- Not compressed: most answers live for one test.
ALTER TABLE atdm.request ALTER answer SET STORAGE EXTERNAL;

CREATE TABLE atdm.ledger (
    relation text COLLATE "C" NOT NULL,
    key jsonb NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    ordinal integer NOT NULL,
    PRIMARY KEY (relation, key)
);

CREATE INDEX ledger_request ON atdm.ledger (request_id);

-- A moment as ISO-8601 text in UTC, whatever the session's time zone.
CREATE FUNCTION atdm.utc(moment timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- Whether a row with this serial key was made after the request: above where the sequence stood when the request was made
-- (or its run, for sequences that hand out blocks), and not among the keys that lay above the sequence already when the run began.
-- NULL: nothing is known about this table.
CREATE FUNCTION atdm.is_new(positions jsonb, relation text, id bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN id > (positions -> 'at' ->> relation)::bigint
        AND NOT (id BETWEEN coalesce((positions -> 'ahead' -> relation ->> 0)::bigint, 1)
                        AND coalesce((positions -> 'ahead' -> relation ->> 1)::bigint, 0));
