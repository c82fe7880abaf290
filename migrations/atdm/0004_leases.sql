-- A run's right to its rows: it lapses unless it is renewed, and then the rows go. Only Postgres' clock counts.
-- A table of its own: renewing must not wait for what holds the run's row, which a volume that is being written does for long.

CREATE TABLE atdm.lease (
    run_id text COLLATE "C" PRIMARY KEY,
    epoch integer NOT NULL,
    -- The seeder process that granted or renewed it last.
    seeder_id text NOT NULL,
    lease_s integer NOT NULL,
    -- Asked to stand without anybody renewing it: not given up when the seeder ends.
    kept boolean NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Whose process it is, in that process' own words.
ALTER TABLE atdm.run ADD owner text NOT NULL DEFAULT '';

-- Runs from before there were leases: as those that are kept, for a day.
INSERT INTO atdm.lease (run_id, epoch, seeder_id, lease_s, kept, expires_at)
    SELECT run_id, epoch, '', 86400, true, clock_timestamp() + interval '1 day' FROM atdm.run WHERE state = 'active';

COMMENT ON COLUMN atdm.run.state IS 'active; ended by its owner; reaped: its lease had lapsed';

-- Appends events, each a kind with its detail, to the chain of a run and returns the last sequence number.
-- in_epoch fences writers: NULL takes events at any time; 0 while the run is active; n while it is active in its epoch n.
-- The body is hashed as the very text that is stored: hash = sha256(previous || body).
DROP FUNCTION atdm.append_events(text, text, text[], json[], boolean);
CREATE FUNCTION atdm.append_events(for_run text, about_request text, kinds text[], details json[], in_epoch integer) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    run_state text;
    run_epoch integer;
    last_seq bigint;
    head bytea;
    moment timestamptz;
    opening text;
    bodies text[];
    heads bytea[];
BEGIN
    SELECT state, epoch, audit_seq, audit_head INTO run_state, run_epoch, last_seq, head
        FROM atdm.run WHERE run_id = for_run FOR NO KEY UPDATE;
    -- From here on this transaction is the run's only writer.
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', for_run USING ERRCODE = 'AT404';
    END IF;
    IF run_epoch > in_epoch AND in_epoch > 0 THEN
        RAISE EXCEPTION 'run % has been started again since: its epoch is % now, and was %', for_run, run_epoch, in_epoch
            USING ERRCODE = 'AT410';
    END IF;
    IF in_epoch IS NOT NULL AND run_state = 'reaped' THEN
        RAISE EXCEPTION 'the lease of run % lapsed, and its rows have been removed', for_run USING ERRCODE = 'AT410';
    END IF;
    IF in_epoch IS NOT NULL AND run_state <> 'active' THEN
        RAISE EXCEPTION 'run % has ended', for_run USING ERRCODE = 'AT409';
    END IF;
    moment := clock_timestamp();
    opening := '{"run_id": ' || to_json(for_run) || ', "request_id": ' || coalesce(to_json(about_request)::text, 'null')
        || ', "at": "' || atdm.utc(moment) || '", "seq": ';
    heads[0] := head;
    FOR n IN 1 .. cardinality(kinds) LOOP
        bodies[n] := opening || (last_seq + n) || ', "kind": "' || kinds[n] || '", "detail": ' || details[n] || '}';
        head := sha256(head || convert_to(bodies[n], 'UTF8'));
        heads[n] := head;
    END LOOP;
    INSERT INTO atdm.audit_event (run_id, seq, kind, request_id, at, body, previous, hash)
        SELECT for_run, last_seq + n, kinds[n], about_request, moment, bodies[n], heads[n - 1], heads[n]
        FROM generate_series(1, cardinality(kinds)) AS n;
    UPDATE atdm.run SET audit_seq = last_seq + cardinality(kinds), audit_head = head WHERE run_id = for_run;
    RETURN last_seq + cardinality(kinds);
END
$$;

REVOKE ALL ON FUNCTION atdm.append_events(text, text, text[], json[], integer) FROM PUBLIC;
