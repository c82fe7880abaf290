-- The statements that give atdm_seeder and atdm_reader the rights that they lack here, and take what is too much of ATDM's own
-- tables; no row where all is as it should be. Granted is what the connecting role may grant, because it is its own.
WITH role AS MATERIALIZED (
    SELECT oid, quote_ident(rolname) AS name, rolname = 'atdm_seeder' AS writes FROM pg_roles WHERE rolname IN ('atdm_seeder', 'atdm_reader')
), namespace AS MATERIALIZED (
    SELECT oid, nspname = 'atdm' AS ours, quote_ident(nspname) AS name, pg_has_role(nspowner, 'USAGE') AS is_mine
    FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
), relation AS MATERIALIZED (
    SELECT c.oid, n.ours AND c.relkind IN ('r', 'p') AS ours, c.relname, n.name || '.' || quote_ident(c.relname) AS name, c.relkind, c.relacl
    FROM pg_class c JOIN namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND pg_has_role(c.relowner, 'USAGE')
), lacking AS (
    SELECT o.name, o.relkind, r.name AS grantee, p.privilege, p.place
    FROM relation o, role r, unnest(CASE
        WHEN o.relkind = 'S' THEN CASE WHEN r.writes THEN ARRAY['USAGE', 'SELECT', 'UPDATE'] END
        WHEN r.writes AND o.relkind <> 'm' THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
        ELSE ARRAY['SELECT'] END) WITH ORDINALITY AS p (privilege, place)
    WHERE NOT o.ours AND NOT CASE WHEN o.relkind = 'S' THEN has_sequence_privilege(r.oid, o.oid, p.privilege)
        ELSE has_table_privilege(r.oid, o.oid, p.privilege) END
), wanted AS (
    -- Of ATDM's own tables exactly these, for default privileges may have given more to a table that is new.
    SELECT o.oid, r.oid AS role, p.privilege, NULL::name AS attname
    FROM relation o, role r, unnest(CASE
        WHEN NOT r.writes OR o.relname IN ('audit_event', 'coverage', 'log', 'migration', 'run', 'seal') THEN ARRAY['SELECT']
        WHEN o.relname = 'request' THEN ARRAY['SELECT', 'INSERT', 'UPDATE']
        WHEN o.relname = 'export' THEN ARRAY['SELECT', 'UPDATE', 'DELETE']
        ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) AS p (privilege)
    WHERE o.ours
    UNION ALL
    -- A run begins and ends, but where its chain of events stands is for atdm.append_events to say.
    SELECT o.oid, r.oid, p.privilege, a.attname
    FROM relation o JOIN pg_attribute a ON a.attrelid = o.oid, role r, unnest(ARRAY['INSERT', 'UPDATE']) AS p (privilege)
    WHERE o.ours AND o.relname = 'run' AND r.writes
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('audit_seq', 'audit_head', 'sealed_seq')
), held AS (
    SELECT o.oid, x.grantee AS role, x.privilege_type AS privilege, NULL::name AS attname
    FROM relation o, aclexplode(o.relacl) x WHERE o.ours
    UNION ALL
    SELECT o.oid, x.grantee, x.privilege_type, a.attname
    FROM relation o JOIN pg_attribute a ON a.attrelid = o.oid, aclexplode(a.attacl) x WHERE o.ours
), inexact AS (
    SELECT o.name, r.name AS grantee, d.surplus,
        (SELECT string_agg(privilege || coalesce(' (' || columns || ')', ''), ', ') FROM (
            SELECT w.privilege, string_agg(quote_ident(w.attname), ', ' ORDER BY w.attname) AS columns
            FROM wanted w WHERE (w.oid, w.role) = (o.oid, r.oid) GROUP BY w.privilege, w.attname IS NULL) g) AS wanted
    FROM relation o, role r, LATERAL (
        SELECT count(w.oid) < count(*) AS surplus, count(*) > count(w.oid) OR count(*) > count(h.oid) AS yes
        FROM (SELECT * FROM wanted WHERE (wanted.oid, wanted.role) = (o.oid, r.oid)) w
        FULL JOIN (SELECT * FROM held WHERE (held.oid, held.role) = (o.oid, r.oid)) h
            ON h.privilege = w.privilege AND coalesce(h.attname, '') = coalesce(w.attname, '')) d
    WHERE o.ours AND d.yes
)
SELECT format('GRANT USAGE ON SCHEMA %s TO %s', n.name, r.name) AS statement
FROM namespace n, role r WHERE n.is_mine AND NOT has_schema_privilege(r.oid, n.oid, 'USAGE')
UNION ALL
SELECT format('GRANT %s ON %s %s TO %s', string_agg(privilege, ', ' ORDER BY place), CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, name, grantee)
FROM lacking GROUP BY name, relkind, grantee
UNION ALL
SELECT CASE WHEN surplus THEN format('REVOKE ALL ON TABLE %s FROM %s; ', name, grantee) ELSE '' END
    || format('GRANT %s ON TABLE %s TO %s', wanted, name, grantee) FROM inexact
UNION ALL
-- A function that runs with its caller's rights can do no more than the role itself. Those of C and of untrusted languages can.
SELECT format('GRANT EXECUTE ON ROUTINE %s TO %s', p.oid::regprocedure, r.name)
FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang, role r
WHERE r.writes AND (n.ours OR l.lanpltrusted AND NOT p.prosecdef)
    AND pg_has_role(p.proowner, 'USAGE') AND NOT has_function_privilege(r.oid, p.oid, 'EXECUTE')
UNION ALL
-- What the connecting role will make, if it makes things here.
SELECT format('ALTER DEFAULT PRIVILEGES GRANT %s ON %s TO %s', array_to_string(k.privileges, ', '), k.name, r.name)
FROM role r, LATERAL (VALUES
    ('r'::"char", 'TABLES', CASE WHEN r.writes THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] ELSE ARRAY['SELECT'] END),
    ('S', 'SEQUENCES', CASE WHEN r.writes THEN ARRAY['USAGE', 'SELECT', 'UPDATE'] END),
    ('n', 'SCHEMAS', ARRAY['USAGE'])) AS k (objtype, name, privileges)
WHERE EXISTS (SELECT FROM relation) AND NOT k.privileges <@ ARRAY(
    SELECT x.privilege_type FROM pg_default_acl d, aclexplode(d.defaclacl) x
    WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND d.defaclnamespace = 0 AND d.defaclobjtype = k.objtype AND x.grantee = r.oid);
