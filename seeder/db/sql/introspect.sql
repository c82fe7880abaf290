-- The target's shape in one row of JSON arrays; tables are told apart by oid here, and named in Python.
WITH tables AS MATERIALIZED (
    SELECT c.oid, n.nspname || '.' || c.relname AS id, c.relkind, NOT has_schema_privilege(n.oid, 'USAGE') AS closed
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_'
), divided AS MATERIALIZED (
    SELECT oid FROM tables WHERE relkind = 'p'
), types AS MATERIALIZED (
    SELECT y.oid, format_type(y.oid, NULL) AS name, y.typtype, y.typrelid, y.typbasetype, y.typtypmod, y.typnotnull
    FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
    WHERE y.typtype IN ('e', 'd', 'c', 'r', 'm') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('atdm', 'information_schema')
), held AS MATERIALIZED (
    SELECT DISTINCT unnest(ARRAY[y.oid, y.typelem]) AS typid
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 JOIN pg_type y ON y.oid = a.atttypid
), sequences AS MATERIALIZED (
    SELECT s.seqrelid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, s.seqincrement, s.seqcache, s.seqstart
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
), feeds AS MATERIALIZED (
    -- An identity column depends on its sequence internally; a default of nextval() depends on the sequence it calls.
    SELECT relid, attnum, min(seqid::int8)::oid AS seqid FROM (
        SELECT d.refobjid, d.refobjsubid, d.objid
        FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i' AND d.refobjsubid > 0
        UNION ALL
        SELECT a.adrelid, a.adnum, d.refobjid
        FROM pg_attrdef a
        JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_class'::regclass
        JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
        WHERE pg_get_expr(a.adbin, a.adrelid) ~ '^nextval\('
    ) AS fed (relid, attnum, seqid) GROUP BY relid, attnum
), indexes AS MATERIALIZED (
    -- Whole ones tell a row; the others, and EXCLUDE, only say that rows differ. A key WITHOUT OVERLAPS tells a row too.
    SELECT i.indrelid, i.indexrelid, c.relname, i.indisprimary, i.indkey, i.indnkeyatts, i.indpred, k.oid AS conid,
        coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_equal,
        i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AS whole
    FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
    WHERE (i.indisunique OR i.indisexclusion) AND i.indisvalid
)
SELECT
    (SELECT json_agg(json_build_array(oid::int8, id, row_security_active(oid),
            array_remove(ARRAY[CASE WHEN closed OR NOT has_table_privilege(oid, 'SELECT') THEN 'select' END,
                CASE WHEN closed OR NOT has_table_privilege(oid, 'INSERT') AND NOT has_any_column_privilege(oid, 'INSERT') THEN 'insert' END,
                CASE WHEN closed OR NOT has_table_privilege(oid, 'UPDATE') AND NOT has_any_column_privilege(oid, 'UPDATE') THEN 'update' END,
                CASE WHEN closed OR NOT has_table_privilege(oid, 'DELETE') THEN 'delete' END], NULL)) ORDER BY id) FROM tables) AS tables,
    (SELECT json_agg(json_build_array(a.attrelid::int8, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
            CASE WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), y.typdefault) END,
            CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END,
            a.attgenerated <> '', s.name, CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END)
            ORDER BY a.attrelid, a.attnum)
        FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type y ON y.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN feeds f ON f.relid = a.attrelid AND f.attnum = a.attnum
        LEFT JOIN sequences s ON s.seqrelid = f.seqid) AS columns,
    (SELECT json_agg(json_build_array(i.indrelid::int8, i.relname, i.indisprimary, NOT i.nulls_equal,
            (SELECT json_agg(k ORDER BY o) FROM unnest(i.indkey) WITH ORDINALITY AS u(k, o) WHERE o <= i.indnkeyatts)) ORDER BY i.relname)
        FROM indexes i WHERE i.whole) AS keys,
    (SELECT json_agg(json_build_array(i.indrelid::int8, i.relname,
            (SELECT json_agg(DISTINCT k ORDER BY k) FROM (
                SELECT u.k::int FROM unnest(i.indkey) WITH ORDINALITY AS u(k, o) WHERE u.o <= i.indnkeyatts AND u.k > 0
                UNION SELECT d.refobjsubid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0) AS one (k)),
            coalesce(pg_get_constraintdef(i.conid), pg_get_indexdef(i.indexrelid)),
            coalesce(pg_get_expr(i.indpred, i.indrelid), '')) ORDER BY i.relname)
        FROM indexes i WHERE NOT i.whole) AS exclusions,
    -- Keys that partitions have of their own count as keys of the table whose rows they hold.
    (SELECT json_agg(json_build_array(t.oid::int8, k.conname,
            (SELECT json_agg(a.attname ORDER BY o) FROM unnest(k.conkey) WITH ORDINALITY AS u(n, o)
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n),
            coalesce((SELECT pg_partition_root(p.oid)::oid FROM pg_class p WHERE p.oid = k.confrelid AND p.relispartition), k.confrelid)::int8,
            (SELECT json_agg(a.attname ORDER BY o) FROM unnest(k.confkey) WITH ORDINALITY AS u(n, o)
                JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n),
            CASE k.confdeltype WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'
                ELSE 'no action' END,
            CASE k.confmatchtype WHEN 'f' THEN 'full' ELSE 'simple' END, k.condeferrable,
            coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false)) ORDER BY k.conname)
        FROM (SELECT oid, oid AS part FROM tables UNION SELECT l.oid, p.relid FROM divided l, pg_partition_tree(l.oid) p) AS t
        JOIN pg_constraint k ON k.conrelid = t.part
        WHERE k.contype = 'f' AND k.conparentid = 0 AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)) AS foreign_keys,
    (SELECT json_agg(json_build_array(k.conrelid::int8, k.conname, pg_get_expr(k.conbin, k.conrelid), k.conkey) ORDER BY k.conname)
        FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid
        WHERE k.contype = 'c' AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)) AS checks,
    -- So do triggers that partitions have of their own.
    (SELECT json_agg(json_build_array(t.oid::int8, g.tgname,
            CASE WHEN g.tgtype & 2 > 0 THEN 'before' WHEN g.tgtype & 64 > 0 THEN 'instead of' ELSE 'after' END,
            array_remove(ARRAY[CASE WHEN g.tgtype & 4 > 0 THEN 'insert' END, CASE WHEN g.tgtype & 8 > 0 THEN 'delete' END,
                CASE WHEN g.tgtype & 16 > 0 THEN 'update' END, CASE WHEN g.tgtype & 32 > 0 THEN 'truncate' END], NULL),
            g.tgfoid::regproc::text, g.tgtype & 1 > 0, g.tgdeferrable) ORDER BY g.tgname)
        FROM (SELECT oid, oid AS part FROM tables UNION SELECT l.oid, p.relid FROM divided l, pg_partition_tree(l.oid) p) AS t
        JOIN pg_trigger g ON g.tgrelid = t.part
        WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND g.tgenabled NOT IN ('D', 'R')) AS triggers,
    (SELECT json_agg(json_build_array(t.oid::int8, r.rulename, 'rule',
            ARRAY[CASE r.ev_type WHEN '2' THEN 'update' WHEN '3' THEN 'insert' WHEN '4' THEN 'delete' ELSE 'select' END], '', true, false)
            ORDER BY r.rulename)
        FROM tables t JOIN pg_rewrite r ON r.ev_class = t.oid WHERE r.ev_enabled NOT IN ('D', 'R')) AS rules,
    (SELECT json_agg(json_build_array(t.oid::int8, n.nspname || '.' || c.relname, pg_get_partition_constraintdef(c.oid)) ORDER BY n.nspname, c.relname)
        FROM tables t CROSS JOIN LATERAL pg_partition_tree(t.oid) p JOIN pg_class c ON c.oid = p.relid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.relkind = 'p' AND p.isleaf AND c.relkind <> 'p') AS partitions,
    (SELECT json_agg(oid::int8) FROM tables WHERE relkind = 'p') AS partitioned,
    (SELECT json_agg(json_build_array(h.inhrelid::int8, h.inhparent::int8) ORDER BY h.inhrelid, h.inhseqno)
        FROM tables t JOIN pg_inherits h ON h.inhrelid = t.oid) AS inherits,
    (SELECT json_agg(json_build_array(y.name, (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid)))
        FROM types y WHERE y.typtype = 'e') AS enums,
    (SELECT json_agg(json_build_array(y.name, format_type(y.typbasetype, y.typtypmod), NOT y.typnotnull,
            (SELECT json_agg(json_build_array(k.conname, pg_get_expr(k.conbin, 0)) ORDER BY k.conname)
                FROM pg_constraint k WHERE k.contypid = y.oid AND k.contype = 'c')))
        FROM types y WHERE y.typtype = 'd') AS domains,
    -- Composite types of their own, and rows of tables where a column holds them.
    (SELECT json_agg(json_build_array(y.name, (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped)))
        FROM types y JOIN pg_class c ON c.oid = y.typrelid
        WHERE y.typtype = 'c' AND (c.relkind = 'c' OR y.oid IN (SELECT typid FROM held))) AS composites,
    (SELECT json_agg(json_build_array(y.name, CASE WHEN r.rngtypid = y.oid THEN format_type(r.rngsubtype, NULL)
            ELSE '{' || format_type(r.rngtypid, NULL) || '}' END))
        FROM types y JOIN pg_range r ON y.oid IN (r.rngtypid, r.rngmultitypid)) AS ranges,
    (SELECT json_agg(json_build_array(name, seqstart)) FROM sequences WHERE seqincrement = 1 AND seqcache = 1) AS one_by_one,
    to_json(array_remove(current_schemas(false), 'atdm')) AS search_path;
