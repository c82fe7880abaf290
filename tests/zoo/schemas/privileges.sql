-- What the seeder's role may not do; see "role:".
-- role: zoo_clerk

-- expect: planted
CREATE TABLE open (id serial PRIMARY KEY, name text NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON open TO zoo_clerk;
GRANT USAGE ON SEQUENCE open_id_seq TO zoo_clerk;

-- expect: refused: permission denied for table unseen
CREATE TABLE unseen (id integer PRIMARY KEY, name text NOT NULL);

-- Refers to a table that rows are planted in: a reset cannot see whether it holds any, and need not.
-- expect: refused: permission denied for table unseen_child
CREATE TABLE unseen_child (id integer PRIMARY KEY, open_id integer NOT NULL REFERENCES open);

-- expect: refused: permission denied for table read_only
CREATE TABLE read_only (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO read_only VALUES (1, 'one');
GRANT SELECT ON read_only TO zoo_clerk;

-- expect: planted
CREATE TABLE below_read_only (id serial PRIMARY KEY, read_only_id integer NOT NULL REFERENCES read_only);
GRANT ALL ON below_read_only TO zoo_clerk;
GRANT USAGE ON SEQUENCE below_read_only_id_seq TO zoo_clerk;

-- expect: refused: permission denied for table append_only
CREATE TABLE append_only (id integer PRIMARY KEY, name text NOT NULL);
GRANT SELECT, INSERT ON append_only TO zoo_clerk;

-- expect: refused: permission denied for sequence
CREATE TABLE no_sequence (id serial PRIMARY KEY, name text NOT NULL);
GRANT ALL ON no_sequence TO zoo_clerk;

-- Row security: rows of ours only, and none.
-- expect: planted
CREATE TABLE own_rows (id integer PRIMARY KEY, owner name NOT NULL DEFAULT current_user);
ALTER TABLE own_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON own_rows USING (owner = current_user);
GRANT ALL ON own_rows TO zoo_clerk;

-- expect: refused: row-level security
CREATE TABLE no_rows (id integer PRIMARY KEY, name text NOT NULL);
ALTER TABLE no_rows ENABLE ROW LEVEL SECURITY;
GRANT ALL ON no_rows TO zoo_clerk;

CREATE SCHEMA vault;

-- expect: refused: permission denied for schema vault
CREATE TABLE vault.locked (id integer PRIMARY KEY, name text NOT NULL);
GRANT ALL ON vault.locked TO zoo_clerk;

-- Only some columns.
-- expect: planted
CREATE TABLE some_columns (id integer PRIMARY KEY, name text NOT NULL, secret text);
GRANT SELECT, DELETE ON some_columns TO zoo_clerk;
GRANT INSERT (id, name) ON some_columns TO zoo_clerk;
