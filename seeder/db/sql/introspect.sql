-- The target's shape in one row of JSON arrays; tables are told apart by oid here, and named in Python.
WITH tables AS MATERIALIZED (
    SELECT c.oid, n.nspname || '.' || c.relname AS id
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_'
), sequences AS MATERIALIZED (
    SELECT s.seqrelid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, s.seqincrement, s.seqcache, s.seqstart
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
), feeds AS MATERIALIZED (
    -- An identity column depends on its sequence internally; a default of nextval() depends on the sequence it calls.
    SELECT d.refobjid AS relid, d.refobjsubid AS attnum, d.objid AS seqid
    FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i' AND d.refobjsubid > 0
    UNION ALL
    SELECT a.adrelid, a.adnum, d.refobjid
    FROM pg_attrdef a
    JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
    WHERE pg_get_expr(a.adbin, a.adrelid) ~ '^nextval\('
)
SELECT
    (SELECT json_agg(json_build_array(oid::int8, id) ORDER BY id) FROM tables) AS tables,
    (SELECT json_agg(json_build_array(a.attrelid::int8, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
            CASE WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), y.typdefault) END,
            CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END,
            a.attgenerated <> '', s.name) ORDER BY a.attrelid, a.attnum)
        FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type y ON y.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN feeds f ON f.relid = a.attrelid AND f.attnum = a.attnum
        LEFT JOIN sequences s ON s.seqrelid = f.seqid) AS columns,
    (SELECT json_agg(json_build_array(i.indrelid::int8, c.relname, i.indisprimary,
            (SELECT json_agg(k ORDER BY o) FROM unnest(i.indkey) WITH ORDINALITY AS u(k, o) WHERE o <= i.indnkeyatts)) ORDER BY c.relname)
        FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL) AS keys,
    (SELECT json_agg(json_build_array(k.conrelid::int8, k.conname, k.conkey, k.confrelid::int8, k.confkey,
            CASE k.confdeltype WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'
                ELSE 'no action' END) ORDER BY k.conname)
        FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid
        WHERE k.contype = 'f' AND k.conparentid = 0) AS foreign_keys,
    (SELECT json_agg(json_build_array(k.conrelid::int8, k.conname, pg_get_expr(k.conbin, k.conrelid)) ORDER BY k.conname)
        FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid WHERE k.contype = 'c') AS checks,
    (SELECT json_agg(json_build_array(format_type(y.oid, NULL),
            (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid)))
        FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
        WHERE y.typtype = 'e' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('atdm', 'information_schema')) AS enums,
    (SELECT json_agg(json_build_array(format_type(y.oid, NULL), format_type(y.typbasetype, y.typtypmod), NOT y.typnotnull,
            (SELECT json_agg(json_build_array(k.conname, pg_get_expr(k.conbin, 0)) ORDER BY k.conname)
                FROM pg_constraint k WHERE k.contypid = y.oid AND k.contype = 'c')))
        FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
        WHERE y.typtype = 'd' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('atdm', 'information_schema')) AS domains,
    -- Row triggers before an insert may look for rows that a sister in the same statement inserts: bits 1 row, 2 before, 4 insert.
    (SELECT json_agg(DISTINCT t.id) FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid
        WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND (g.tgtype & 7) = 7) AS triggered,
    (SELECT json_agg(json_build_array(name, seqstart)) FROM sequences WHERE seqincrement = 1 AND seqcache = 1) AS one_by_one,
    to_json(array_remove(current_schemas(false), 'atdm')) AS search_path;
