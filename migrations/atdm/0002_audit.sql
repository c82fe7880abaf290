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

-- Appends events, each a kind with its detail, to the chain of a run and returns the last sequence number.
-- The body is hashed as the very text that is stored: hash = sha256(previous || body).
CREATE FUNCTION atdm.append_events(for_run text, about_request text, kinds text[], details json[], needs_active boolean) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    run_state text;
    last_seq bigint;
    head bytea;
    moment timestamptz;
    opening text;
    bodies text[];
    heads bytea[];
BEGIN
    SELECT state, audit_seq, audit_head INTO run_state, last_seq, head
        FROM atdm.run WHERE run_id = for_run FOR NO KEY UPDATE;
    -- From here on this transaction is the run's only writer.
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', for_run USING ERRCODE = 'AT404';
    END IF;
    IF needs_active AND run_state <> 'active' THEN
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

REVOKE ALL ON FUNCTION atdm.append_events(text, text, text[], json[], boolean) FROM PUBLIC;
