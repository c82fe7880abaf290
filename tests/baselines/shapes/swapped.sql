-- Swapped.
CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, v text);
INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c');
CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE);
INSERT INTO c VALUES (1, 1), (2, 2), (3, 3);
COMMENT ON CONSTRAINT c_t_fkey ON c IS 'noted';

-- changed --
UPDATE t SET u = -u;
UPDATE t SET u = 1 WHERE id = 2;
UPDATE t SET u = 2 WHERE id = 1;
UPDATE t SET u = 3 WHERE id = 3;
