-- Cascades by another key.
CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE c (id int PRIMARY KEY, code text REFERENCES p (code) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE d (id int PRIMARY KEY, code text REFERENCES p (code) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
INSERT INTO p VALUES (1, 'a'), (2, 'b');
INSERT INTO c VALUES (1, 'a'), (2, 'b');
INSERT INTO d VALUES (1, 'a'), (2, 'b');

-- changed --
UPDATE p SET code = 'x' WHERE id = 1;
UPDATE p SET code = 'a' WHERE id = 2;
INSERT INTO p VALUES (3, 'b');
UPDATE d SET code = 'a';
