-- Exclusion.
CREATE TABLE t (id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&));
INSERT INTO t VALUES (1, '[1,5)'), (2, '[5,9)');
CREATE TABLE d (id int PRIMARY KEY, u int UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO d VALUES (1, 1), (2, 2);
CREATE TABLE w (id int PRIMARY KEY, u int, live boolean);
CREATE UNIQUE INDEX ON w (u) WHERE live;
INSERT INTO w VALUES (1, 1, true), (2, 1, false);

-- changed --
DELETE FROM t;
INSERT INTO t VALUES (1, '[5,9)'), (2, '[1,5)');
UPDATE d SET u = 3 - u;
UPDATE w SET live = false;
UPDATE w SET live = true WHERE id = 2;
