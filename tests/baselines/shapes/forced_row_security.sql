-- Forced row security.
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 9) i;
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON t USING (id < 4);

-- changed --
UPDATE t SET v = 0 WHERE id > 5;
DELETE FROM t WHERE id = 2;
INSERT INTO t VALUES (77, 7);
