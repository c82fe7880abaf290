-- Restrict.
CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE c (id int PRIMARY KEY, code text REFERENCES p (code) ON DELETE RESTRICT ON UPDATE RESTRICT);
INSERT INTO p VALUES (1, 'a'), (2, 'b');
INSERT INTO c VALUES (1, 'a'), (2, 'b');

-- changed --
DELETE FROM c WHERE id = 2;
DELETE FROM p WHERE id = 2;
INSERT INTO p VALUES (9, 'b');
INSERT INTO c VALUES (2, 'b');
