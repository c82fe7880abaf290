-- What a seal covers and no file holds yet waits here to be exported. A row goes once its file stands in the store: what is left is the
-- backlog, and it does not grow with what has been exported.

CREATE TABLE atdm.export (
    ordinal bigint PRIMARY KEY, -- of the seal
    run_id text COLLATE "C" NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    -- The seeder process that writes the file in this moment; another may try once that time is over.
    held_by text,
    held_until timestamptz
);

-- Which log this is: several databases may share a store, and a database that is made anew begins its log anew.
CREATE TABLE atdm.log (id text NOT NULL);

INSERT INTO atdm.log (id) VALUES (replace(gen_random_uuid()::text, '-', ''));

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atdm.log
    FOR EACH STATEMENT EXECUTE FUNCTION atdm.refuse_change();

ALTER TABLE atdm.log ENABLE ALWAYS TRIGGER append_only;

REVOKE UPDATE, DELETE, TRUNCATE ON atdm.log FROM PUBLIC, CURRENT_USER;

-- Events up to this one are under a seal.
ALTER TABLE atdm.run ADD COLUMN sealed_seq bigint NOT NULL DEFAULT 0;

DROP FUNCTION atdm.add_seal(text, integer, bigint, bytea);

-- Adds a seal, hash = sha256(previous || body), and puts what it covers into the backlog. Returns it as a checkpoint: ordinal and hash.
-- To be called last in a transaction: all ends of runs wait for one another from here on.
CREATE FUNCTION atdm.add_seal(of_run text, of_epoch integer, first_seq bigint, last_seq bigint, head bytea) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    before bytea;
    content text;
    digest bytea;
    moment timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('atdm.seal', 0));
    SELECT s.ordinal, s.hash INTO place, before FROM atdm.seal s ORDER BY s.ordinal DESC LIMIT 1;
    place := coalesce(place, 0) + 1;
    before := coalesce(before, decode(repeat('00', 32), 'hex'));
    moment := clock_timestamp();
    content := '{"ordinal": ' || place || ', "at": "' || atdm.utc(moment) || '", "run_id": ' || to_json(of_run)
        || ', "epoch": ' || of_epoch || ', "last_seq": ' || last_seq || ', "head": "' || encode(head, 'hex') || '"}';
    digest := sha256(before || convert_to(content, 'UTF8'));
    INSERT INTO atdm.seal (ordinal, body, previous, hash) VALUES (place, content, before, digest);
    INSERT INTO atdm.export (ordinal, run_id, first_seq, last_seq, sealed_at) VALUES (place, of_run, first_seq, last_seq, moment);
    RETURN place || ':' || encode(digest, 'hex');
END
$$;

REVOKE ALL ON FUNCTION atdm.add_seal(text, integer, bigint, bigint, bytea) FROM PUBLIC;

-- As before; the seal covers what no earlier one of the run does.
CREATE OR REPLACE FUNCTION atdm.close_run(for_run text, to_state text, kind text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    already bigint;
    closed atdm.run;
BEGIN
    SELECT r.sealed_seq INTO already FROM atdm.run r WHERE r.run_id = for_run AND r.state = 'active' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN (SELECT s.ordinal || ':' || encode(s.hash, 'hex') FROM atdm.seal s ORDER BY s.ordinal DESC LIMIT 1);
    END IF;
    PERFORM atdm.append_events(for_run, NULL, ARRAY[kind], ARRAY['{}'::json], 0);
    UPDATE atdm.run r SET state = to_state, ended_at = clock_timestamp(), sealed_seq = r.audit_seq
        WHERE r.run_id = for_run RETURNING r.* INTO closed;
    DELETE FROM atdm.lease l WHERE l.run_id = for_run;
    RETURN atdm.add_seal(for_run, closed.epoch, already + 1, closed.audit_seq, closed.audit_head);
END
$$;

-- What was sealed before there were exports.
INSERT INTO atdm.export (ordinal, run_id, first_seq, last_seq, sealed_at)
    SELECT s.ordinal, t.run_id, lag(t.last_seq, 1, 0::bigint) OVER (PARTITION BY t.run_id ORDER BY s.ordinal) + 1, t.last_seq, t.at
    FROM atdm.seal s, json_to_record(s.body::json) AS t (run_id text, last_seq bigint, at timestamptz);

UPDATE atdm.run r SET sealed_seq = e.last_seq
    FROM (SELECT run_id, max(last_seq) AS last_seq FROM atdm.export GROUP BY run_id) e WHERE e.run_id = r.run_id;
