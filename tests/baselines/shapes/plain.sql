-- Plain.
CREATE TABLE t (id serial PRIMARY KEY, v text, f float8, j jsonb);
INSERT INTO t (v, f, j) SELECT nullif('v' || i, 'v5'), 0.1 * i, jsonb_build_object('i', i) FROM generate_series(1, 50) i;
INSERT INTO t (v) VALUES (''), (E'a"b,c\nd\\.'), (NULL);

-- changed --
UPDATE t SET v = 'other' WHERE id < 4;
DELETE FROM t WHERE id IN (7, 8);
INSERT INTO t (v) VALUES ('new');
