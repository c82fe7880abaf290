-- Shifted keys.
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 9) i;
CREATE TABLE c (t int REFERENCES t ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO c SELECT i FROM generate_series(1, 9) i;

-- changed --
UPDATE t SET id = id + 100 WHERE id > 5;
DELETE FROM t WHERE id = 1;
