-- Exclusion: rows that must not meet.

-- expect: planted
CREATE TABLE closing (id serial PRIMARY KEY, during daterange NOT NULL, EXCLUDE USING gist (during WITH &&));
INSERT INTO closing (during) VALUES ('[2020-01-01,2020-02-01)'), ('[2026-01-01,2027-01-01)');

-- expect: planted
CREATE TABLE shift (id serial PRIMARY KEY, at tstzrange NOT NULL, cancelled boolean NOT NULL DEFAULT false,
    EXCLUDE USING gist (at WITH &&) WHERE (NOT cancelled));

-- From two columns.
-- expect: planted
CREATE TABLE booking (id serial PRIMARY KEY, starts timestamp NOT NULL, ends timestamp NOT NULL, CHECK (starts < ends),
    EXCLUDE USING gist (tsrange(starts, ends) WITH &&));
INSERT INTO booking (starts, ends) VALUES ('2020-01-01', '2020-02-01');

-- expect: planted
CREATE TABLE area (id serial PRIMARY KEY, place box NOT NULL, EXCLUDE USING gist (place WITH &&));

-- expect: planted
CREATE TABLE equal (id serial PRIMARY KEY, name text NOT NULL, EXCLUDE USING hash (name WITH =));

-- expect: planted
CREATE TABLE later (id serial PRIMARY KEY, during int4range NOT NULL,
    EXCLUDE USING gist (during WITH &&) DEFERRABLE INITIALLY DEFERRED);

-- All of time is taken, and rows can only be referred to.
-- expect: reused: always_during_excl
CREATE TABLE always (id serial PRIMARY KEY, during daterange NOT NULL, EXCLUDE USING gist (during WITH &&));
INSERT INTO always (during) VALUES ('(,)');
ALTER TABLE always ADD CONSTRAINT always_not_empty CHECK (NOT isempty(during));

-- expect: planted
CREATE TABLE part_of_always (id serial PRIMARY KEY, always_id integer NOT NULL REFERENCES always);
