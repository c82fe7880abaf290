-- Keys that are equal and not the same.
CREATE TABLE t (n numeric PRIMARY KEY, v int);
INSERT INTO t VALUES (1.0, 1), (2, 2);
CREATE TABLE c (n numeric REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO c VALUES (1.0), (2);

-- changed --
DELETE FROM c;
UPDATE t SET n = 1.00 WHERE n = 1;
INSERT INTO c VALUES (1.0), (2);
