-- What tests came to, so that nobody has to read the log for it: how often each ended how, by scenario and commit.
-- It does not grow with runs: of a test the ten newest commits are kept, and of what has not run for 90 days nothing.

CREATE TABLE atdm.coverage (
    test bytea NOT NULL, -- sha256 of nodeid, which may be longer than an index takes
    commit text COLLATE "C" NOT NULL, -- empty where none is known; ends with -dirty where files had been changed since
    scenario text COLLATE "C" NOT NULL,
    nodeid text NOT NULL,
    requirements text[] NOT NULL, -- that the scenario named then
    passed integer NOT NULL,
    failed integer NOT NULL,
    errors integer NOT NULL,
    skipped integer NOT NULL,
    outcome text NOT NULL, -- the newest
    attempt integer NOT NULL,
    session text COLLATE "C" NOT NULL, -- the run and its epoch: a run that is started again is another session
    varied boolean NOT NULL, -- attempts of one session ended differently
    at timestamptz NOT NULL,
    seen_on date NOT NULL, -- the day of at: an index on the moment itself would move with each use
    PRIMARY KEY (test, commit, scenario)
) WITH (fillfactor = 50);

CREATE INDEX coverage_seen ON atdm.coverage (seen_on);

-- Counts the uses among events that are appended: those that say a test's id and how it ended; what else a client says is taken as it
-- comes, and makes no reset fail. An attempt that used a scenario several times counts once.
-- In the order of ids, so that no two wait for each other; what another session is about to count is not removed.
CREATE FUNCTION atdm.count_uses(in_session text, about_request text, kinds text[], details json[], moment timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    of_scenario text;
    today date;
    used record;
    is_new boolean;
BEGIN
    SELECT left(q.scenario, 500) INTO of_scenario FROM atdm.request q WHERE q.request_id = about_request;
    today := (moment AT TIME ZONE 'UTC')::date;
    FOR used IN
        SELECT e.detail ->> 'nodeid' AS nodeid, left(coalesce(e.detail ->> 'commit', ''), 100) AS commit, e.detail ->> 'outcome' AS outcome,
            CASE WHEN e.detail ->> 'attempt' ~ '^[0-9]{1,9}$' THEN (e.detail ->> 'attempt')::integer ELSE 1 END AS attempt,
            ARRAY(SELECT r.id FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(e.detail -> 'requirements') = 'array'
                THEN e.detail -> 'requirements' ELSE '[]' END) AS r (id) WHERE r.id IS NOT NULL LIMIT 1000) AS requirements
        FROM (
            SELECT d.detail::jsonb AS detail, d.place FROM unnest(kinds, details) WITH ORDINALITY AS d (kind, detail, place)
            -- What no text can hold is in the log as it was sent, and is not counted.
            WHERE d.kind = 'consumed_by_test' AND strpos(d.detail::text, '\u0000') = 0
            OFFSET 0
        ) e
        WHERE jsonb_typeof(e.detail -> 'nodeid') = 'string' AND e.detail ->> 'outcome' IN ('passed', 'failed', 'error', 'skipped')
        ORDER BY 1, e.place
    LOOP
        INSERT INTO atdm.coverage AS c (test, commit, scenario, nodeid, requirements, passed, failed, errors, skipped, outcome, attempt,
                session, varied, at, seen_on)
            VALUES (sha256(convert_to(used.nodeid, 'UTF8')), used.commit, of_scenario, used.nodeid, used.requirements,
                (used.outcome = 'passed')::integer, (used.outcome = 'failed')::integer, (used.outcome = 'error')::integer,
                (used.outcome = 'skipped')::integer, used.outcome, used.attempt, in_session, false, moment, today)
            ON CONFLICT (test, commit, scenario) DO UPDATE SET
                requirements = EXCLUDED.requirements, outcome = EXCLUDED.outcome, attempt = EXCLUDED.attempt, session = EXCLUDED.session,
                at = EXCLUDED.at, seen_on = EXCLUDED.seen_on,
                passed = c.passed + EXCLUDED.passed, failed = c.failed + EXCLUDED.failed, errors = c.errors + EXCLUDED.errors,
                skipped = c.skipped + EXCLUDED.skipped,
                varied = c.varied OR c.session = EXCLUDED.session AND c.outcome <> EXCLUDED.outcome
                    AND 'skipped' NOT IN (c.outcome, EXCLUDED.outcome)
            WHERE (c.session, c.attempt, c.outcome) <> (EXCLUDED.session, EXCLUDED.attempt, EXCLUDED.outcome)
            RETURNING xmax = 0 INTO is_new;
        IF is_new THEN
            PERFORM atdm.forget_uses(sha256(convert_to(used.nodeid, 'UTF8')), today);
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION atdm.count_uses(text, text, text[], json[], timestamptz) FROM PUBLIC;

-- Removes what is too much of a test, and some of what has not run for long; called where a row has come.
CREATE FUNCTION atdm.forget_uses(of_test bytea, today date) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM atdm.coverage c USING (
        SELECT k.test, k.commit, k.scenario FROM atdm.coverage k WHERE k.test = of_test AND k.commit IN (
            SELECT n.commit FROM atdm.coverage n WHERE n.test = of_test GROUP BY n.commit ORDER BY max(n.at) DESC, n.commit OFFSET 10)
        FOR UPDATE SKIP LOCKED) old
    WHERE c.test = old.test AND c.commit = old.commit AND c.scenario = old.scenario;
    DELETE FROM atdm.coverage c USING (
        SELECT k.test, k.commit, k.scenario FROM atdm.coverage k WHERE k.seen_on < today - 90
        ORDER BY k.seen_on LIMIT 20 FOR UPDATE SKIP LOCKED) old
    WHERE c.test = old.test AND c.commit = old.commit AND c.scenario = old.scenario;
END
$$;

REVOKE ALL ON FUNCTION atdm.forget_uses(bytea, date) FROM PUBLIC;

-- As before; and uses by tests are counted, in the same transaction.
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
    IF about_request IS NOT NULL AND 'consumed_by_test' = ANY (kinds) THEN
        PERFORM atdm.count_uses(for_run || ' ' || run_epoch, about_request, kinds, details, moment);
    END IF;
    RETURN last_seq + cardinality(kinds);
END
$$;
