-- The audit log: one chain of hashes per run, written by atdm.append_events alone, changed by nobody.
-- Errors of ATDM's own carry SQLSTATE AT401, AT403, AT404, AT409, named after the HTTP status they become.

CREATE TABLE atdm.audit_event (
    run_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    request_id text COLLATE "C",
    at timestamptz NOT NULL,
    body text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (run_id, seq)
);

CREATE FUNCTION atdm.refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only: % on atdm.audit_event is refused', TG_OP USING ERRCODE = 'AT403';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atdm.audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION atdm.refuse_change();

-- ALWAYS: session_replication_role = replica does not get round it.
ALTER TABLE atdm.audit_event ENABLE ALWAYS TRIGGER append_only;

REVOKE UPDATE, DELETE, TRUNCATE ON atdm.audit_event FROM PUBLIC, CURRENT_USER;

-- Appends events (a JSON array of {kind, detail}) to the chain of a run and returns the last sequence number.
-- The body is hashed as the very text that is stored: hash = sha256(previous || body).
CREATE FUNCTION atdm.append_events(for_run text, about_request text, events jsonb, needs_active boolean) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    run_state text;
    first_seq bigint;
    head bytea;
    moment timestamptz;
    moment_utc text;
    event jsonb;
    bodies text[];
    heads bytea[];
BEGIN
    SELECT state, audit_seq, audit_head INTO run_state, first_seq, head
        FROM atdm.run WHERE run_id = for_run FOR NO KEY UPDATE;
    -- From here on this transaction is the run's only writer.
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', for_run USING ERRCODE = 'AT404';
    END IF;
    IF needs_active AND run_state <> 'active' THEN
        RAISE EXCEPTION 'run % has ended', for_run USING ERRCODE = 'AT409';
    END IF;
    moment := clock_timestamp();
    moment_utc := atdm.utc(moment);
    heads := ARRAY[head];
    FOR n IN 0 .. jsonb_array_length(events) - 1 LOOP
        event := events -> n;
        bodies[n + 1] := jsonb_build_object(
            'run_id', for_run, 'seq', first_seq + n + 1, 'at', moment_utc,
            'kind', event -> 'kind', 'request_id', about_request, 'detail', event -> 'detail')::text;
        head := sha256(head || convert_to(bodies[n + 1], 'UTF8'));
        heads[n + 2] := head;
    END LOOP;
    INSERT INTO atdm.audit_event (run_id, seq, kind, request_id, at, body, previous, hash)
        SELECT for_run, first_seq + n, events -> (n - 1)::integer ->> 'kind', about_request, moment, b.body, heads[n], heads[n + 1]
        FROM unnest(bodies) WITH ORDINALITY AS b (body, n);
    UPDATE atdm.run SET audit_seq = first_seq + jsonb_array_length(events), audit_head = head WHERE run_id = for_run;
    RETURN first_seq + jsonb_array_length(events);
END
$$;

REVOKE ALL ON FUNCTION atdm.append_events(text, text, jsonb, boolean) FROM PUBLIC;
