-- Self references.
CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t ON DELETE SET NULL, top int REFERENCES t ON DELETE CASCADE);
INSERT INTO t SELECT i, nullif(i / 2, 0), 1 FROM generate_series(1, 20) i;

-- changed --
DELETE FROM t WHERE id = 3;
UPDATE t SET up = 9 WHERE id = 2;
INSERT INTO t VALUES (30, 30, 30), (31, 30, 30);
