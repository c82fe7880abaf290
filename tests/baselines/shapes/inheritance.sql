-- Inheritance.
CREATE TABLE p (id int PRIMARY KEY, v int);
CREATE TABLE c (w int) INHERITS (p);
CREATE INDEX ON c (v);
INSERT INTO p VALUES (1, 1), (2, 2);
INSERT INTO c VALUES (1, 1, 1), (3, 3, 3);

-- changed --
UPDATE p SET v = 9;
DELETE FROM c WHERE id = 3;
INSERT INTO c VALUES (8, 8, 8);
