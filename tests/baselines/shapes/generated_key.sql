-- A key that is computed, and rows that refer to it.
CREATE TABLE t (v int, k int GENERATED ALWAYS AS (v % 100) STORED PRIMARY KEY);
CREATE TABLE c (k int REFERENCES t ON DELETE CASCADE);
INSERT INTO t SELECT generate_series(1, 9);
INSERT INTO c SELECT generate_series(1, 9);

-- changed --
UPDATE t SET v = v + 100 WHERE k < 4;
DELETE FROM t WHERE k = 9;
INSERT INTO t VALUES (50);
