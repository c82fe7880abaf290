-- Emptied.
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int NOT NULL REFERENCES p);
INSERT INTO p SELECT generate_series(1, 5);
INSERT INTO c SELECT i, i FROM generate_series(1, 5) i;

-- changed --
TRUNCATE p, c;
