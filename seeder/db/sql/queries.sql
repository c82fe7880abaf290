-- mark --
-- Whether the connected database is a test database, and what it is called.
SELECT current_database() AS name, coalesce(current_setting('atdm.test_database', true), '') = 'on' AS marked;

-- lay_ground --
-- The schema and the record of migrations, before any migration.
CREATE SCHEMA IF NOT EXISTS atdm;
CREATE TABLE IF NOT EXISTS atdm.migration (
    folder text NOT NULL,
    file text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (folder, file)
);

-- ground_laid --
-- Whether the record of migrations exists, and whether the connecting role may migrate: as the owner of schema atdm, or its maker.
SELECT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'migration') AS laid,
    coalesce(pg_has_role(n.nspowner, 'USAGE'), has_database_privilege(current_database(), 'CREATE')) AS may_migrate,
    coalesce(has_schema_privilege(n.oid, 'USAGE'), true) AS may_look, current_user::text AS role
FROM (VALUES (true)) AS one (row) LEFT JOIN pg_namespace n ON n.nspname = 'atdm';

-- lock_migrations --
-- One migrating process at a time, until its transaction ends. The number is "atdm" in ASCII.
SELECT pg_advisory_xact_lock(1635017837);

-- own_schema_first --
-- The role and its search_path, where names without a schema would be looked for in ATDM's own; else no row.
SELECT current_user::text AS role, current_setting('search_path') AS path WHERE (current_schemas(false))[1] = 'atdm';

-- applied_migrations --
-- What has been applied from one folder.
SELECT file, sha256 FROM atdm.migration WHERE folder = $1;

-- record_migration --
-- Remember that a file has been applied.
INSERT INTO atdm.migration (folder, file, sha256) VALUES ($1, $2, $3);

-- made_from_template --
-- Whether this database is a copy of the template $1, and no other database of the prefix $2 is left.
SELECT shobj_description(d.oid, 'pg_database') IS NOT DISTINCT FROM $1 AND NOT EXISTS (
    SELECT FROM pg_database o WHERE starts_with(o.datname, $2) AND NOT (o.datname = $1 AND o.datistemplate))
FROM pg_database d WHERE d.datname = current_database();

-- is_complete_template --
-- Whether there is a template of the name $1, made to its end.
SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate);

-- template_databases --
-- The databases of the prefix $1, complete or not, but for $2.
SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1) AND datname <> $2;

-- other_roles --
-- The roles that somebody has made: neither ours nor Postgres' own.
SELECT rolname AS name FROM pg_roles WHERE rolname NOT IN (current_user, 'atdm_seeder', 'atdm_reader') AND oid >= 16384;

-- lacking_roles --
-- Those of the roles $1 that the server has not.
SELECT w.name FROM unnest($1::text[]) AS w (name) WHERE w.name NOT IN (SELECT rolname FROM pg_roles);

-- find_footing --
-- Whether the connecting role may work as atdm_seeder; the first of the target's relations where that may do less with rows than the
-- connecting role may, NULL where there is none; and the search_path with the connecting role's own schema in the place of "$user",
-- NULL where that has none.
WITH seeder AS MATERIALIZED (
    SELECT oid, rolbypassrls, pg_has_role(oid, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END) AS mine
    FROM pg_roles WHERE rolname = 'atdm_seeder'
), relation AS MATERIALIZED (
    SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relkind = 'S' AS is_sequence, has_schema_privilege(n.oid, 'USAGE') AS is_open,
        has_schema_privilege(s.oid, n.oid, 'USAGE') AS is_open_to_seeder, s.oid AS seeder,
        c.relrowsecurity AND NOT s.rolbypassrls AND NOT row_security_active(c.oid)
            AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND s.oid = ANY (p.polroles)) AS is_veiled
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, seeder s
    WHERE s.mine AND c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_'
)
SELECT session_user::text AS login, EXISTS (SELECT FROM seeder) AS is_there, coalesce((SELECT mine FROM seeder), false) AS is_mine,
    (SELECT min(r.name) FROM relation r WHERE r.is_open AND CASE WHEN r.is_sequence
        THEN has_sequence_privilege(r.oid, 'USAGE') AND NOT (r.is_open_to_seeder AND has_sequence_privilege(r.seeder, r.oid, 'USAGE'))
        ELSE r.is_veiled
            OR has_table_privilege(r.oid, 'DELETE') AND NOT (r.is_open_to_seeder AND has_table_privilege(r.seeder, r.oid, 'DELETE'))
            OR EXISTS (SELECT FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p (privilege) WHERE has_any_column_privilege(r.oid, p.privilege)
                AND NOT (r.is_open_to_seeder AND has_any_column_privilege(r.seeder, r.oid, p.privilege)))
        END) AS closed,
    (SELECT replace(current_setting('search_path'), '"$user"', quote_ident(session_user))
        FROM pg_namespace WHERE nspname = session_user) AS search_path;

-- working_role --
-- Whom this connection works as, and what that is beyond one who reads and writes rows.
SELECT current_user::text AS role, session_user::text AS login, r.rolsuper AS is_superuser, EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND pg_has_role(c.relowner, 'USAGE')) AS is_owner
FROM pg_roles r WHERE r.rolname = current_user;

-- database_settings --
-- What ALTER DATABASE has set for the database $1, as name=value.
SELECT unnest(s.setconfig) AS setting FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
WHERE d.datname = $1 AND s.setrole = 0;

-- take_keys --
-- The next $2 values of each sequence.
SELECT s.name, nextval(s.name::regclass) AS value FROM unnest($1::text[]) AS s(name), generate_series(1, $2);

-- take_volume_keys --
-- The next $2 values of the sequence $1.
SELECT array_agg(nextval($1::text::regclass)) FROM generate_series(1, $2);

-- release_keys --
-- Give up what the ledger of the table $1 still has under keys from $3 to $4 of the column $2: those rows have gone.
-- Returns the ranges that reached beyond, which are to be entered anew without these keys.
WITH gone AS (
    DELETE FROM atdm.ledger WHERE relation = $1
        AND key BETWEEN jsonb_build_object($2::text, $3::bigint) AND jsonb_build_object($2::text, $4::bigint)
)
DELETE FROM atdm.ledger_range WHERE relation = $1 AND first <= $4 AND last >= $3 RETURNING first, last, request_id;

-- lock_live --
-- Those of the requests $1 that are live and, unless it is NULL, have the token $2; they stay locked.
SELECT request_id FROM atdm.request
WHERE request_id = ANY ($1::text[]) AND state = 'live' AND ($2::bytea IS NULL OR token_hash = $2) FOR UPDATE;

-- bulk_relations --
-- The tables of which the requests $1 hold ranges of keys, or more than $2 keys.
SELECT relation FROM atdm.ledger_range WHERE request_id = ANY ($1::text[])
UNION SELECT relation FROM atdm.ledger WHERE request_id = ANY ($1::text[]) GROUP BY relation HAVING count(*) > $2;

-- ranges_of --
-- The ranges of keys of the table $1 that the requests $2 hold.
SELECT relation, key_column, first, last, request_id FROM atdm.ledger_range
WHERE relation = $1 AND request_id = ANY ($2::text[]) ORDER BY first DESC;

-- give_up_range --
-- The rows of a range have gone.
DELETE FROM atdm.ledger_range WHERE relation = $1 AND first = $2;

-- keep_range --
-- Enter the keys from $3 to $4 of the column $2 of the table $1 as rows of the request $5.
INSERT INTO atdm.ledger_range (relation, key_column, first, last, request_id) VALUES ($1, $2, $3, $4, $5);

-- activity --
-- What this transaction has done to each table so far, with what is not reported yet of this backend's earlier ones.
SELECT n.nspname || '.' || c.relname AS name, pg_stat_get_xact_tuples_inserted(c.oid) AS inserted,
    pg_stat_get_xact_tuples_updated(c.oid) AS updated, pg_stat_get_xact_tuples_deleted(c.oid) AS deleted
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_'
    AND pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid) > 0;

-- relations --
-- How many relations the target has, ATDM's own and the system's not counted.
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_';

-- sequences --
-- Where each sequence of the target stands, as far as it has been used.
SELECT schemaname || '.' || sequencename AS name, last_value AS value FROM pg_sequences
WHERE last_value IS NOT NULL AND schemaname <> 'atdm' ORDER BY 1;

-- small_tables --
-- Which of the tables $1 have at most $2 rows, as far as Postgres has counted.
SELECT a.name FROM unnest($1::text[]) WITH ORDINALITY AS a (name, n)
JOIN pg_namespace s ON s.nspname = split_part(a.name, '.', 1)
JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = substr(a.name, strpos(a.name, '.') + 1)
WHERE c.reltuples <= $2 ORDER BY a.n;

-- count_restores --
-- How many restores of baselines there have been.
SELECT coalesce(pg_sequence_last_value('atdm.restores'), 0);

-- start_run --
-- A new run, or one that is over started again with everything but its audit chain new; no row where it is active.
-- Its lease is granted by the seeder $8 for $9 seconds, kept or not ($10).
WITH started AS (
    INSERT INTO atdm.run AS r (run_id, session_id, actor, seed, as_of, positions, owner) VALUES ($1, $2, $3, $4, $5::text::date, $6, $7)
    ON CONFLICT (run_id) DO UPDATE SET session_id = EXCLUDED.session_id, actor = EXCLUDED.actor, seed = EXCLUDED.seed, as_of = EXCLUDED.as_of,
        positions = EXCLUDED.positions, owner = EXCLUDED.owner, state = 'active', started_at = EXCLUDED.started_at, ended_at = NULL,
        epoch = r.epoch + 1
    WHERE r.state <> 'active' RETURNING run_id, epoch
)
INSERT INTO atdm.lease (run_id, epoch, seeder_id, lease_s, kept, expires_at)
    SELECT run_id, epoch, $8, $9, $10, clock_timestamp() + make_interval(secs => $9::integer) FROM started RETURNING epoch;

-- renew_lease --
-- Let the lease of the run $1 in its epoch $2 begin anew, by the seeder $3; no row where that is lost.
UPDATE atdm.lease SET seeder_id = $3, expires_at = clock_timestamp() + make_interval(secs => lease_s) WHERE run_id = $1 AND epoch = $2
RETURNING lease_s, atdm.utc(expires_at) AS expires_at;

-- lapsed_runs --
-- What time it is for leases, in seconds since 1970, and the runs whose lease lapsed $1 seconds ago or earlier.
-- It fails where nothing can be written: nobody could renew a lease there.
WITH probe AS (UPDATE atdm.lease SET expires_at = expires_at WHERE false)
SELECT extract(epoch FROM clock_timestamp())::float8 AS now, ARRAY(
    SELECT run_id FROM atdm.lease WHERE expires_at < clock_timestamp() - make_interval(secs => $1) ORDER BY expires_at) AS run_ids;

-- abandoned_runs --
-- Runs that nobody asked to keep: of the seeder $1, or with $2 of any but it.
SELECT run_id FROM atdm.lease WHERE NOT kept AND (seeder_id = $1) <> $2 ORDER BY run_id;

-- lock_lapsed --
-- The lease of the active run $1, unless a request or another reaper is at work on it; with $2 only if it lapsed that many seconds ago.
-- From here on nobody seeds into the run, and nobody renews its lease.
SELECT l.epoch, atdm.utc(l.expires_at) AS expires_at FROM atdm.run r JOIN atdm.lease l USING (run_id)
WHERE r.run_id = $1 AND r.state = 'active' AND ($2::float8 IS NULL OR l.expires_at < clock_timestamp() - make_interval(secs => $2))
FOR NO KEY UPDATE SKIP LOCKED;

-- mark_removed_by --
-- Say in the reports of the requests $1 who it was that removed their rows.
UPDATE atdm.request SET report = report || jsonb_build_object('by', $2::text) WHERE request_id = ANY ($1::text[]) AND state = 'reset';

-- append_run_events --
-- Events of the run itself. The driver looks up every type of arrays in the catalog, but for text[] and oid[].
SELECT atdm.append_events($1, NULL, $2, $3::text[]::json[], 0);

-- end_run --
-- Give an active run the state $2, its last event of the kind $3, its lease back, and its seal; the newest checkpoint.
SELECT atdm.close_run($1, $2, $3);

-- read_runs --
-- Runs, newest first: one by id ($1), or those before $2, at most $3.
SELECT r.run_id, r.session_id, r.actor, r.owner, r.seed, r.as_of::text, r.state, r.epoch, atdm.utc(r.started_at) AS started_at,
    atdm.utc(r.ended_at) AS ended_at, l.lease_s, atdm.utc(l.expires_at) AS expires_at, coalesce(l.kept, false) AS kept,
    extract(epoch FROM clock_timestamp() - r.started_at)::integer AS age_s,
    extract(epoch FROM l.expires_at - clock_timestamp())::integer AS lease_left_s,
    (SELECT count(*) FROM atdm.request q WHERE q.run_id = r.run_id) AS requests,
    (SELECT count(*) FROM atdm.request q JOIN atdm.ledger l USING (request_id) WHERE q.run_id = r.run_id AND q.state = 'live')
        + (SELECT coalesce(sum(l.last - l.first + 1), 0)::bigint FROM atdm.request q JOIN atdm.ledger_range l USING (request_id)
            WHERE q.run_id = r.run_id AND q.state = 'live') AS live_rows
FROM atdm.run r LEFT JOIN atdm.lease l ON l.run_id = r.run_id
WHERE ($1::text IS NULL OR r.run_id = $1) AND ($2::text IS NULL OR r.run_id < $2)
ORDER BY r.run_id DESC LIMIT $3;

-- read_request --
-- One request.
SELECT request_id, run_id, request_key, scenario, plan_hash, state, counts::text, report::text,
    atdm.utc(created_at) AS created_at, atdm.utc(reset_at) AS reset_at
FROM atdm.request WHERE request_id = $1;

-- read_events --
-- The audit trail of a run, in order.
SELECT seq, body, previous, hash FROM atdm.audit_event WHERE run_id = $1 ORDER BY seq;

-- coverage --
-- What each test came to, by scenario, at its newest commit, or the newest that begins with $1.
WITH newest AS (
    SELECT DISTINCT ON (test) test, commit FROM atdm.coverage WHERE starts_with(commit, $1) ORDER BY test, at DESC, commit
)
SELECT nodeid, scenario, commit, requirements, passed, failed, errors, skipped, outcome, attempt, varied, atdm.utc(at) AS at
FROM newest JOIN atdm.coverage USING (test, commit) ORDER BY nodeid COLLATE "C", scenario;

-- all_run_ends --
-- What each run's row says of its chain.
SELECT run_id, state <> 'active' AS is_over, audit_seq AS last_seq, audit_head AS head FROM atdm.run;

-- all_seals --
-- The chain of seals.
SELECT ordinal AS seq, body, previous, hash FROM atdm.seal ORDER BY ordinal;

-- all_events --
-- Every event, run by run in order, and whether the columns beside its body say the same.
SELECT run_id, seq, body, previous, hash, starts_with(body, '{"run_id": ' || to_json(run_id) || ', "request_id": '
    || coalesce(to_json(request_id)::text, 'null') || ', "at": "' || atdm.utc(at) || '", "seq": ' || seq || ', "kind": "' || kind
    || '", "detail": ') AS agrees
FROM atdm.audit_event ORDER BY run_id, seq;

-- log_id --
-- Which log this database has.
SELECT id FROM atdm.log;

-- take_export --
-- Takes the oldest seal without a file for the process $1, for $2 seconds; no row where there is none, or another process has it.
UPDATE atdm.export e SET held_by = $1, held_until = clock_timestamp() + make_interval(secs => $2)
FROM atdm.seal s
WHERE e.ordinal = (SELECT min(ordinal) FROM atdm.export) AND s.ordinal = e.ordinal
    AND (e.held_by IS NULL OR e.held_by = $1 OR e.held_until < clock_timestamp())
RETURNING e.ordinal, e.run_id, e.first_seq, e.last_seq, to_char(e.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date, s.body, s.previous, s.hash;

-- sealed_events --
-- The events $2 to $3 of the run $1 as they are exported.
SELECT run_id, seq, at, kind, request_id, (body::json -> 'detail')::text AS detail, body, previous, hash
FROM atdm.audit_event WHERE run_id = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq;

-- end_export --
-- The file of the seal $1 stands in the store.
DELETE FROM atdm.export WHERE ordinal = $1;

-- exported_checkpoint --
-- The newest seal that is exported with all before it; no row where there is none.
SELECT ordinal, hash FROM atdm.seal WHERE ordinal < coalesce((SELECT min(ordinal) FROM atdm.export), 9223372036854775807)
ORDER BY ordinal DESC LIMIT 1;

-- append_client_events --
-- Events of a request's client; no row where there is no such request, false where the token is not its own.
SELECT CASE WHEN token_hash = $2 THEN atdm.append_events(run_id, request_id, $3, $4, 0) END AS seq
FROM atdm.request WHERE request_id = $1;

-- replay --
-- The request that an idempotency key made; one that is live and had the same plan gets a new token, and only it has an answer.
WITH found AS (
    SELECT request_id, state, plan_hash = $3 AS same_plan, counts FROM atdm.request WHERE run_id = $1 AND idempotency_key = $2
        AND epoch = (SELECT epoch FROM atdm.run WHERE run_id = $1)
), renewed AS (
    UPDATE atdm.request q SET token_hash = $4 FROM found f
    WHERE q.request_id = f.request_id AND f.same_plan AND f.state = 'live' RETURNING q.request_id, q.answer::text
)
SELECT f.request_id, f.same_plan, r.answer, f.counts::text FROM found f LEFT JOIN renewed r USING (request_id);

-- live_requests --
-- Live requests of one run ($1), or of all; the newest first: later requests may refer to rows of earlier ones. Somebody is at work on
-- a run whose lease is renewed in time; a kept one is nobody's any more.
SELECT q.request_id, q.counts::text, r.run_id, r.owner, r.actor, atdm.utc(r.started_at) AS started_at,
    coalesce(NOT l.kept AND l.expires_at > clock_timestamp(), false) AS at_work
FROM atdm.run r JOIN atdm.request q ON q.run_id = r.run_id LEFT JOIN atdm.lease l ON l.run_id = r.run_id
WHERE r.state = 'active' AND q.state = 'live' AND ($1::text IS NULL OR r.run_id = $1) ORDER BY q.request_id DESC;

-- lock_run --
-- No request of the run commits until this transaction ends; no row where there is no such run.
SELECT state FROM atdm.run WHERE run_id = $1 FOR NO KEY UPDATE;

-- missing_indexes --
-- Of the references $1, each [table, [columns], table referred to], those whose table has at least $2 rows and no index that finds a row
-- by these columns; of a partitioned table all rows of the partitions that lack one. An index that leaves out NULLs finds it too.
SELECT r.tbl AS "table", r.columns, r.parent, sum(part.rows)::bigint AS rows,
    format('CREATE INDEX ON %I.%I (%s)', n.nspname, c.relname, (SELECT string_agg(quote_ident(k), ', ') FROM unnest(r.columns) k)) AS statement
FROM (
    SELECT f ->> 0 AS tbl, ARRAY(SELECT jsonb_array_elements_text(f -> 1)) AS columns, f ->> 2 AS parent FROM jsonb_array_elements($1::jsonb) f
) r
JOIN pg_namespace n ON n.nspname = split_part(r.tbl, '.', 1)
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = substr(r.tbl, strpos(r.tbl, '.') + 1)
CROSS JOIN LATERAL (
    SELECT p.oid, greatest(p.reltuples, pg_stat_get_live_tuples(p.oid)) AS rows
    FROM (SELECT c.oid WHERE c.relkind = 'r' UNION ALL SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf AND c.relkind = 'p') leaf
    JOIN pg_class p ON p.oid = leaf.oid
) part
WHERE NOT EXISTS (
    SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
    WHERE i.indrelid = part.oid AND i.indisvalid AND m.amname NOT IN ('brin', 'gin')
        AND r.columns <@ ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE k.place <= cardinality(r.columns))
        AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = ANY (
            SELECT format('(%I IS NOT NULL)', k) FROM unnest(r.columns) k))
)
GROUP BY r.tbl, r.columns, r.parent, n.nspname, c.relname HAVING sum(part.rows) >= $2
ORDER BY rows DESC, r.tbl, r.columns;

-- lock_holders --
-- Who has locks on the tables $1 (schema.table) that a deletion may wait for, the longest transaction first. Of other roles' sessions
-- ATDM's owner sees neither state nor time, unless it may read all statistics.
SELECT l.pid, a.application_name, a.usename, s.state, s.for_s,
    array_agg(DISTINCT n.nspname || '.' || c.relname) AS tables
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stat_activity a ON a.pid = l.pid, atdm.session_state(l.pid) s
WHERE l.granted AND l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.mode NOT IN ('AccessShareLock', 'ShareUpdateExclusiveLock') AND l.pid <> pg_backend_pid()
    AND n.nspname || '.' || c.relname = ANY ($1::text[])
GROUP BY l.pid, a.application_name, a.usename, s.state, s.for_s ORDER BY s.for_s DESC NULLS LAST LIMIT 5;

-- metrics --
-- Counts of what stands there now.
SELECT (SELECT count(*) FROM atdm.run WHERE state = 'active') AS active_runs,
    (SELECT count(*) FROM atdm.run r JOIN atdm.request q ON q.run_id = r.run_id
        WHERE r.state = 'active' AND q.state = 'live') AS live_requests,
    (SELECT count(*) FROM atdm.ledger) + (SELECT coalesce(sum(last - first + 1), 0)::bigint FROM atdm.ledger_range) AS live_rows,
    (SELECT coalesce(sum(audit_seq), 0)::bigint FROM atdm.run) AS events,
    backlog.*
FROM (SELECT coalesce(sum(last_seq - first_seq + 1), 0)::bigint AS pending_events, count(*) AS pending_seals,
    coalesce(extract(epoch FROM clock_timestamp() - min(sealed_at)), 0)::float AS pending_s FROM atdm.export) backlog;


-- restore_footing --
-- The server's major version, where the session may switch event triggers off, and whether a name of the owner's role is at hand.
SELECT current_setting('server_version_num')::integer / 10000 AS server, current_user::text AS role,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND current_setting('event_triggers', true) IS NOT NULL AS hushes;

-- restore_relations --
-- Those of the tables $1 (schema.table; partitions are tables of their own) that there are; with $2 all others too. *root* is the table
-- that its rows are of, *veiled*: row security hides rows from this session, *simple*: no part of another.
SELECT n.nspname || '.' || c.relname AS id, c.oid::int8 AS oid, format('%I.%I', n.nspname, c.relname) AS name,
    coalesce((SELECT rn.nspname || '.' || r.relname FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace
        WHERE r.oid = pg_partition_root(c.oid)), n.nspname || '.' || c.relname) AS root,
    NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid) AS simple,
    pg_has_role(c.relowner, 'USAGE') AS is_mine, c.relowner::regrole::text AS owner,
    c.relforcerowsecurity AND row_security_active(c.oid) AS veiled, a.types, a.fixed,
    ARRAY(SELECT k.attname::text FROM pg_index i JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey::int2[])
        WHERE i.indrelid = c.oid AND i.indisprimary AND array_position(i.indkey::int2[], k.attnum) < i.indnkeyatts) AS key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum), '{}')::text AS types,
        coalesce(array_agg(a.attname::text) FILTER (WHERE a.attidentity = 'a'), '{}') AS fixed
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
) a
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_'
    AND ($2 OR n.nspname || '.' || c.relname = ANY ($1::text[]))
ORDER BY 1;

-- restore_switches --
-- Triggers and rules of the relations $1 that are not off, each with the statements that switch it off, and back to what it is.
SELECT format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', g.tgrelid::regclass, g.tgname) AS off,
    format('ALTER TABLE ONLY %s ENABLE %sTRIGGER %I', g.tgrelid::regclass,
        CASE g.tgenabled WHEN 'A' THEN 'ALWAYS ' WHEN 'R' THEN 'REPLICA ' ELSE '' END, g.tgname) AS back
FROM pg_trigger g WHERE g.tgrelid = ANY ($1::oid[]) AND NOT g.tgisinternal AND g.tgenabled <> 'D'
UNION ALL
SELECT format('ALTER TABLE ONLY %s DISABLE RULE %I', r.ev_class::regclass, r.rulename),
    format('ALTER TABLE ONLY %s ENABLE %sRULE %I', r.ev_class::regclass,
        CASE r.ev_enabled WHEN 'A' THEN 'ALWAYS ' WHEN 'R' THEN 'REPLICA ' ELSE '' END, r.rulename)
FROM pg_rewrite r WHERE r.ev_class = ANY ($1::oid[]) AND r.ev_enabled <> 'D';

-- restore_keys --
-- Foreign keys from and to the relations $1, oldest first; that of a divided table for each of these partitions. *at_child* and *at_parent*
-- are the relation of $1 and the other end, *columns* those of *at_parent*; *child_oids* hold the rows that refer. *acts*: it does, or
-- refuses, something at once where a row goes or its key changes. *is_indexed*: the rows that refer to one are found without a scan.
-- The rest is of the key as it was made; *simple*: neither end of
-- that is divided or a part.
WITH RECURSIVE near AS MATERIALIZED (
    SELECT k.oid, k.conrelid, k.confrelid, k.conkey, k.confkey, k.confdeltype, k.confupdtype FROM pg_constraint k
    WHERE k.contype = 'f' AND (k.conrelid = ANY ($1::oid[]) OR k.confrelid = ANY ($1::oid[]))
), line AS (
    SELECT n.oid AS near, k.oid, k.conparentid FROM near n JOIN pg_constraint k ON k.oid = n.oid
    UNION ALL SELECT l.near, k.oid, k.conparentid FROM line l JOIN pg_constraint k ON k.oid = l.conparentid
)
SELECT k.oid::int8 AS oid, k.conname AS name, k.conrelid::int8 AS child_oid, k.confrelid::int8 AS parent_oid,
    n.conrelid::int8 AS at_child, n.confrelid::int8 AS at_parent,
    ARRAY(SELECT n.conrelid UNION SELECT t.relid::oid FROM pg_partition_tree(n.conrelid) t WHERE t.isleaf
        EXCEPT SELECT d.oid FROM pg_class d WHERE d.oid = n.conrelid AND d.relkind = 'p') AS child_oids,
    ARRAY(SELECT a.attname::text FROM unnest(n.confkey) u JOIN pg_attribute a ON a.attrelid = n.confrelid AND a.attnum = u) AS columns,
    (n.confdeltype <> 'a' OR n.confupdtype <> 'a') AND EXISTS (
        SELECT FROM pg_trigger g WHERE g.tgconstraint = n.oid AND g.tgrelid = n.confrelid AND g.tgenabled IN ('O', 'A')) AS acts,
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = n.conrelid AND i.indisvalid AND i.indpred IS NULL
        AND (i.indkey::int2[])[0] = ANY (n.conkey)) AS is_indexed,
    c.relkind = 'r' AND NOT c.relispartition AND p.relkind = 'r' AND NOT p.relispartition
        AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') AS simple,
    format('%I.%I', cn.nspname, c.relname) AS child, pg_has_role(c.relowner, 'USAGE') AS is_mine, c.relowner::regrole::text AS owner,
    pg_get_constraintdef(k.oid) AS definition, obj_description(k.oid, 'pg_constraint') AS comment
FROM near n JOIN line l ON l.near = n.oid AND l.conparentid = 0 JOIN pg_constraint k ON k.oid = l.oid
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace JOIN pg_class p ON p.oid = k.confrelid
ORDER BY k.oid, n.oid;

-- restore_indexes --
-- Indexes of the relations $1, and constraints made of them, that can be dropped and made again without a trace, as statements: nothing
-- hangs on them but foreign keys, and nothing is set for them.
SELECT CASE WHEN k.oid IS NULL THEN format('DROP INDEX %s', i.indexrelid::regclass)
        ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, k.conname) END AS drop,
    CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
        ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) END AS make,
    CASE WHEN k.oid IS NULL THEN format('INDEX %s', i.indexrelid::regclass)
        ELSE format('CONSTRAINT %I ON %s', k.conname, i.indrelid::regclass) END AS what,
    coalesce(obj_description(k.oid, 'pg_constraint'), obj_description(i.indexrelid, 'pg_class')) AS comment
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indrelid = ANY ($1::oid[]) AND x.relkind = 'i' AND NOT x.relispartition AND x.reltablespace = 0
    AND i.indisvalid AND i.indisready AND NOT i.indisclustered AND NOT i.indisreplident
    AND NOT (k.oid IS NOT NULL AND obj_description(i.indexrelid, 'pg_class') IS NOT NULL)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.deptype IN ('x', 'e'))
    AND NOT EXISTS (SELECT FROM pg_depend d LEFT JOIN pg_constraint f ON d.classid = 'pg_constraint'::regclass AND f.oid = d.objid AND f.contype = 'f'
        WHERE f.oid IS NULL AND d.objid <> i.indexrelid AND (d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.oid
            OR d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indexrelid))
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0)
    AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = i.indrelid AND k.oid IS NOT NULL)
ORDER BY i.indexrelid;

-- restore_standing --
-- What is set for the relations $1 and those that refer to them, a line for each thing: the same before and after a restore.
WITH relation AS MATERIALIZED (
    SELECT unnest($1::oid[]) AS oid UNION SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid = ANY ($1::oid[])
)
SELECT format('%s: row security %s, %s, identity %s', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relreplident)
FROM relation r JOIN pg_class c USING (oid)
UNION ALL
SELECT format('%s: trigger %s %s', g.tgrelid::regclass, g.tgname, g.tgenabled)
FROM relation r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal
UNION ALL
SELECT format('%s: rule %s %s', g.ev_class::regclass, g.rulename, g.ev_enabled) FROM relation r JOIN pg_rewrite g ON g.ev_class = r.oid
UNION ALL
SELECT format('%s: constraint %s %s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated,
    obj_description(k.oid, 'pg_constraint'))
FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid WHERE k.conparentid = 0
UNION ALL
SELECT format('%s: index %s %s %s %s', i.indrelid::regclass, pg_get_indexdef(i.indexrelid), i.indisclustered, i.indisreplident,
    obj_description(i.indexrelid, 'pg_class'))
FROM relation r JOIN pg_index i ON i.indrelid = r.oid
ORDER BY 1;

-- restore_positions --
-- Where the sequences $1 (schema.sequence) stand that there are. *name* is as SQL takes it.
SELECT a.name AS "sequence", format('%I.%I', s.schemaname, s.sequencename) AS name, pg_has_role(c.relowner, 'USAGE') AS is_mine,
    c.relowner::regrole::text AS owner
FROM unnest($1::text[]) AS a (name)
JOIN pg_sequences s ON s.schemaname = split_part(a.name, '.', 1) AND s.sequencename = substr(a.name, strpos(a.name, '.') + 1)
JOIN pg_class c ON c.oid = format('%I.%I', s.schemaname, s.sequencename)::regclass;

-- lock_runs --
-- Until the transaction ends no run begins or ends, and no request is made or reset. Leases are renewed.
LOCK TABLE atdm.run, atdm.request IN EXCLUSIVE MODE;

-- affected_requests --
-- Live requests of active runs that hold rows of the tables $1, with their runs.
SELECT q.request_id, r.run_id, r.owner, r.actor, atdm.utc(r.started_at) AS started_at
FROM atdm.run r JOIN atdm.request q ON q.run_id = r.run_id
WHERE r.state = 'active' AND q.state = 'live' AND (
    EXISTS (SELECT FROM atdm.ledger l WHERE l.request_id = q.request_id AND l.relation = ANY ($1::text[]))
    OR EXISTS (SELECT FROM atdm.ledger_range l WHERE l.request_id = q.request_id AND l.relation = ANY ($1::text[])))
ORDER BY q.request_id;

-- runs_at_work --
-- Active runs whose owner renews the lease, but for $1: whoever it is counts on what stands there. Kept runs are nobody's any more.
SELECT r.run_id, r.owner, r.actor, atdm.utc(r.started_at) AS started_at
FROM atdm.run r JOIN atdm.lease l ON l.run_id = r.run_id WHERE r.state = 'active' AND NOT l.kept AND r.run_id <> $1 ORDER BY r.run_id;

-- note_restore --
-- Have seeders give up the keys that they took ahead; see count_restores.
SELECT nextval('atdm.restores');

-- release_rows --
-- Give up what the requests $1 hold of the tables $2: other rows stand there now. Those that hold nothing any more are reset, with the
-- report $3; they are returned.
WITH gone AS (
    DELETE FROM atdm.ledger WHERE request_id = ANY ($1::text[]) AND relation = ANY ($2::text[])
), unranged AS (
    DELETE FROM atdm.ledger_range WHERE request_id = ANY ($1::text[]) AND relation = ANY ($2::text[])
)
UPDATE atdm.request q SET state = 'reset', reset_at = clock_timestamp(), report = $3::jsonb, answer = NULL
WHERE q.request_id = ANY ($1::text[])
    AND NOT EXISTS (SELECT FROM atdm.ledger l WHERE l.request_id = q.request_id AND l.relation <> ALL ($2::text[]))
    AND NOT EXISTS (SELECT FROM atdm.ledger_range l WHERE l.request_id = q.request_id AND l.relation <> ALL ($2::text[]))
RETURNING q.request_id, q.run_id;

-- append_request_event --
-- An event of the request $2 of the run $1.
SELECT atdm.append_events($1, $2, $3, $4, 0);

-- renew_positions --
-- Let active runs take $2 as what was there before they began, as far as it is about the tables $1.
UPDATE atdm.run SET positions = jsonb_build_object(
    'ahead', ((positions -> 'ahead') - $1::text[]) || ($2::jsonb -> 'ahead'), 'at', (positions -> 'at') || ($2::jsonb -> 'at'))
WHERE state = 'active';

-- snapshot_tables --
-- All that holds rows of the target, leaf partitions each by itself, and the partitioned tables above them; with the columns that
-- are stored. A foreign table counts where it is a partition.
SELECT c.oid::int8 AS oid, n.nspname || '.' || c.relname AS id, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
    c.relkind::text AS kind, r.name AS root, greatest(c.reltuples, 0)::int8 AS estimate, row_security_active(c.oid) AS hidden,
    NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) AS closed,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attgenerated = '' ORDER BY a.attnum) AS columns,
    ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS types
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL (
    SELECT rn.nspname || '.' || rc.relname AS name FROM pg_class rc JOIN pg_namespace rn ON rn.oid = rc.relnamespace
    WHERE rc.oid = coalesce(pg_partition_root(c.oid), c.oid)) r
WHERE (c.relkind IN ('r', 'p') OR c.relkind = 'f' AND c.relispartition) AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_'
ORDER BY 2;

-- snapshot_partition_keys --
--- Foreign keys that a partition has by itself, or that refer to one alone; for partitions stand the tables above them.
SELECT k.conname::text AS name, child.id AS child, parent.id AS parent,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(attnum, place) JOIN pg_attribute a
        ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.place) AS columns,
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(attnum, place) JOIN pg_attribute a
        ON a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY u.place) AS parent_columns
FROM pg_constraint k, LATERAL (
    SELECT n.nspname || '.' || c.relname AS id FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = coalesce(pg_partition_root(k.conrelid), k.conrelid)) child, LATERAL (
    SELECT n.nspname || '.' || c.relname AS id FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = coalesce(pg_partition_root(k.confrelid), k.confrelid)) parent
WHERE k.contype = 'f' AND k.conparentid = 0
    AND EXISTS (SELECT FROM pg_class c WHERE c.oid IN (k.conrelid, k.confrelid) AND c.relispartition)
ORDER BY 2, 1;

-- snapshot_sequences --
-- The sequences of the target, whoever owns them, and the table whose column does.
SELECT n.nspname || '.' || c.relname AS id, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
    (SELECT tn.nspname || '.' || t.relname FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) AS owner,
    NOT (has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT')) AS closed
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_'
ORDER BY 1;
