-- Rows only lack: of a chain of tables whose names are in the other order, with a table that refers to itself.
CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
CREATE TABLE b (id int PRIMARY KEY, c int NOT NULL REFERENCES c, up int REFERENCES b, twice int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE a (b int NOT NULL REFERENCES b ON DELETE CASCADE, c int REFERENCES c DEFERRABLE INITIALLY DEFERRED);
INSERT INTO c (v) SELECT i FROM generate_series(1, 40) i;
INSERT INTO b SELECT i, i, 40 - i FROM generate_series(1, 39) i WHERE i = 20;
INSERT INTO b SELECT i, i, 20 FROM generate_series(1, 39) i WHERE i <> 20;
INSERT INTO a SELECT i, i FROM generate_series(1, 39) i;
INSERT INTO a SELECT i, NULL FROM generate_series(1, 39) i;

-- changed --
DELETE FROM a WHERE b > 5;
DELETE FROM b WHERE id BETWEEN 6 AND 9;
DELETE FROM c WHERE id IN (6, 7, 40);
