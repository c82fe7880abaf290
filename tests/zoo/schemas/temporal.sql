-- Keys in time, WITHOUT OVERLAPS and for a PERIOD, which Postgres has since 18.
-- postgres: 18
CREATE EXTENSION btree_gist;

-- expect: planted
CREATE TABLE room (number integer, during daterange, note text, PRIMARY KEY (number, during WITHOUT OVERLAPS));
INSERT INTO room SELECT n, '[2000-01-01,2100-01-01)' FROM generate_series(1, 9) n;

-- expect: planted
CREATE TABLE stay (id serial PRIMARY KEY, room integer NOT NULL, during daterange NOT NULL, guest text NOT NULL,
    FOREIGN KEY (room, PERIOD during) REFERENCES room (number, PERIOD during), UNIQUE (guest, during WITHOUT OVERLAPS));

-- expect: planted
CREATE TABLE optional_stay (id serial PRIMARY KEY, room integer, during daterange,
    FOREIGN KEY (room, PERIOD during) REFERENCES room (number, PERIOD during));

-- A span of the child's own that must lie within the parent's.
-- expect: planted
CREATE TABLE price (room integer, during daterange, amount numeric(8, 2) NOT NULL CHECK (amount > 0), PRIMARY KEY (room, during WITHOUT OVERLAPS),
    FOREIGN KEY (room, PERIOD during) REFERENCES room (number, PERIOD during));

-- expect: planted
CREATE TABLE version (name text, at int4multirange, PRIMARY KEY (name, at WITHOUT OVERLAPS));

-- What else came with 18: computed when it is read, NOT NULL as a constraint with a name, and constraints that are not enforced.
-- expect: planted
CREATE TABLE computed (id uuid PRIMARY KEY DEFAULT uuidv7(), a integer NOT NULL, twice integer GENERATED ALWAYS AS (a * 2) VIRTUAL, CHECK (twice > 100));

-- expect: planted
CREATE TABLE unenforced (id serial PRIMARY KEY, a integer NOT NULL, CONSTRAINT ignored CHECK (false) NOT ENFORCED,
    b integer CONSTRAINT b_needed NOT NULL);
