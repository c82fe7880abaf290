-- What a run's chain of events came to when it ended stands as a seal in a chain of its own, over all runs. The newest seal vouches
-- for every run that has ended: one that is dropped, or written anew with all its hashes, does not fit it any more.

CREATE TABLE atdm.seal (
    ordinal bigint PRIMARY KEY, -- 1, 2, 3, without a gap
    body text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);

CREATE OR REPLACE FUNCTION atdm.refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % on atdm.% is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'AT403';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atdm.seal
    FOR EACH STATEMENT EXECUTE FUNCTION atdm.refuse_change();

ALTER TABLE atdm.seal ENABLE ALWAYS TRIGGER append_only;

REVOKE UPDATE, DELETE, TRUNCATE ON atdm.seal FROM PUBLIC, CURRENT_USER;

-- Adds a seal, hash = sha256(previous || body), and returns it as a checkpoint: ordinal and hash.
-- To be called last in a transaction: all ends of runs wait for one another from here on.
CREATE FUNCTION atdm.add_seal(of_run text, of_epoch integer, last_seq bigint, head bytea) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    before bytea;
    content text;
    digest bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('atdm.seal', 0));
    SELECT s.ordinal, s.hash INTO place, before FROM atdm.seal s ORDER BY s.ordinal DESC LIMIT 1;
    place := coalesce(place, 0) + 1;
    before := coalesce(before, decode(repeat('00', 32), 'hex'));
    content := '{"ordinal": ' || place || ', "at": "' || atdm.utc(clock_timestamp()) || '", "run_id": ' || to_json(of_run)
        || ', "epoch": ' || of_epoch || ', "last_seq": ' || last_seq || ', "head": "' || encode(head, 'hex') || '"}';
    digest := sha256(before || convert_to(content, 'UTF8'));
    INSERT INTO atdm.seal (ordinal, body, previous, hash) VALUES (place, content, before, digest);
    RETURN place || ':' || encode(digest, 'hex');
END
$$;

REVOKE ALL ON FUNCTION atdm.add_seal(text, integer, bigint, bytea) FROM PUBLIC;

-- Ends an active run, with its lease, and seals it. Returns the newest checkpoint; NULL where no run has ended yet.
CREATE FUNCTION atdm.close_run(for_run text, to_state text, kind text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    closed atdm.run;
BEGIN
    PERFORM FROM atdm.run r WHERE r.run_id = for_run AND r.state = 'active' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN (SELECT s.ordinal || ':' || encode(s.hash, 'hex') FROM atdm.seal s ORDER BY s.ordinal DESC LIMIT 1);
    END IF;
    PERFORM atdm.append_events(for_run, NULL, ARRAY[kind], ARRAY['{}'::json], 0);
    UPDATE atdm.run r SET state = to_state, ended_at = clock_timestamp() WHERE r.run_id = for_run RETURNING r.* INTO closed;
    DELETE FROM atdm.lease l WHERE l.run_id = for_run;
    RETURN atdm.add_seal(for_run, closed.epoch, closed.audit_seq, closed.audit_head);
END
$$;

REVOKE ALL ON FUNCTION atdm.close_run(text, text, text) FROM PUBLIC;

-- As before, but a run that is over takes no events at all: it is sealed.
-- in_epoch fences writers: 0 takes events while the run is active; n while it is active in its epoch n.
CREATE OR REPLACE FUNCTION atdm.append_events(for_run text, about_request text, kinds text[], details json[], in_epoch integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
    IF run_state = 'reaped' THEN
        RAISE EXCEPTION 'the lease of run % lapsed, and its rows have been removed', for_run USING ERRCODE = 'AT410';
    END IF;
    IF run_state <> 'active' THEN
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

-- Runs that had ended before there were seals.
DO $$
DECLARE
    ended atdm.run;
BEGIN
    FOR ended IN SELECT * FROM atdm.run WHERE state <> 'active' ORDER BY ended_at, run_id LOOP
        PERFORM atdm.add_seal(ended.run_id, ended.epoch, ended.audit_seq, ended.audit_head);
    END LOOP;
END $$;
