-- Cycles: tables that refer to themselves and to one another.

-- expect: planted
CREATE TABLE node (id serial PRIMARY KEY, parent_id integer REFERENCES node, name text NOT NULL);

-- A row has to refer to one, and the first can only refer to itself.
-- expect: planted
CREATE TABLE root (id integer PRIMARY KEY, parent_id integer NOT NULL REFERENCES root);

-- expect: planted
CREATE TABLE numbered_root (id serial PRIMARY KEY, parent_id integer NOT NULL REFERENCES numbered_root);

-- Not to itself.
-- expect: planted
CREATE TABLE folder (id serial PRIMARY KEY, parent_id integer REFERENCES folder CHECK (parent_id <> id), name text NOT NULL);

-- expect: planted
CREATE TABLE pair (id integer PRIMARY KEY, other_id integer NOT NULL REFERENCES pair, CHECK (other_id <> id));

-- expect: planted
CREATE TABLE version (number integer, document text, previous integer, PRIMARY KEY (document, number),
    FOREIGN KEY (document, previous) REFERENCES version (document, number));

-- Two tables that need one another, at once and at the end.
-- expect: planted
CREATE TABLE hen (id integer PRIMARY KEY, egg_id integer NOT NULL);
-- expect: planted
CREATE TABLE egg (id integer PRIMARY KEY, hen_id integer NOT NULL REFERENCES hen);
ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg;

-- expect: planted
CREATE TABLE chief (id serial PRIMARY KEY, office_id integer NOT NULL);
-- expect: planted
CREATE TABLE office (id serial PRIMARY KEY, chief_id integer NOT NULL REFERENCES chief DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE chief ADD FOREIGN KEY (office_id) REFERENCES office DEFERRABLE;

-- Three, one of which need not.
-- expect: planted
CREATE TABLE rock (id serial PRIMARY KEY, paper_id integer NOT NULL);
-- expect: planted
CREATE TABLE scissors (id serial PRIMARY KEY, rock_id integer NOT NULL REFERENCES rock);
-- expect: planted
CREATE TABLE paper (id serial PRIMARY KEY, scissors_id integer REFERENCES scissors);
ALTER TABLE rock ADD FOREIGN KEY (paper_id) REFERENCES paper;

-- A parent that points to its favourite child, which must be one of its own.
-- expect: planted
CREATE TABLE album (id serial PRIMARY KEY, cover integer);
-- expect: planted
CREATE TABLE photo (album_id integer NOT NULL REFERENCES album, number integer NOT NULL, PRIMARY KEY (album_id, number));
ALTER TABLE album ADD FOREIGN KEY (id, cover) REFERENCES photo (album_id, number);

-- As before, but it has to have one.
-- expect: planted
CREATE TABLE club (id serial PRIMARY KEY, chair integer NOT NULL);
-- expect: planted
CREATE TABLE seat (club_id integer NOT NULL REFERENCES club, number integer NOT NULL, PRIMARY KEY (club_id, number));
ALTER TABLE club ADD FOREIGN KEY (id, chair) REFERENCES seat (club_id, number);

-- Two references to one table that must differ, be in order, or be the same.
-- expect: planted
CREATE TABLE station (id serial PRIMARY KEY, name text NOT NULL);

-- expect: planted
CREATE TABLE route (id serial PRIMARY KEY, origin integer NOT NULL REFERENCES station, target integer NOT NULL REFERENCES station, CHECK (origin <> target));

-- expect: planted
CREATE TABLE link (low integer NOT NULL REFERENCES station, high integer NOT NULL REFERENCES station, PRIMARY KEY (low, high), CHECK (low < high));

-- expect: planted
CREATE TABLE loop (id serial PRIMARY KEY, a integer NOT NULL REFERENCES station, b integer NOT NULL REFERENCES station, CHECK (a = b));

-- A column says which of the references is set.
-- expect: planted
CREATE TABLE comment (
    id serial PRIMARY KEY, kind text NOT NULL, node_id integer REFERENCES node, station_id integer REFERENCES station, album_id integer REFERENCES album,
    CHECK ((kind = 'node') = (node_id IS NOT NULL)), CHECK ((kind = 'station') = (station_id IS NOT NULL)), CHECK ((kind = 'album') = (album_id IS NOT NULL)),
    CHECK (num_nonnulls(node_id, station_id, album_id) = 1)
);

-- expect: planted
CREATE TABLE either (id serial PRIMARY KEY, node_id integer REFERENCES node, station_id integer REFERENCES station,
    CHECK ((node_id IS NULL) <> (station_id IS NULL)));

-- expect: planted
CREATE TABLE both_or_none (id serial PRIMARY KEY, node_id integer REFERENCES node, station_id integer REFERENCES station, note text,
    CHECK ((node_id IS NULL) = (station_id IS NULL)), CHECK (note IS NOT NULL OR node_id IS NOT NULL));

-- expect: planted
CREATE TABLE at_least (id serial PRIMARY KEY, a integer REFERENCES node, b integer REFERENCES station, c integer REFERENCES album, CHECK (num_nonnulls(a, b, c) >= 2));

-- The kind stands in parent and child, and the reference ties them.
-- expect: planted
CREATE TABLE animal (id serial PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('cat', 'dog')), UNIQUE (id, kind));

-- expect: planted
CREATE TABLE dog (id integer PRIMARY KEY, kind text NOT NULL DEFAULT 'dog' CHECK (kind = 'dog'), FOREIGN KEY (id, kind) REFERENCES animal (id, kind));

-- Nobody can be the first.
-- expect: refused: egoless
CREATE TABLE egoless (id integer PRIMARY KEY, parent_id integer NOT NULL REFERENCES egoless, CHECK (parent_id < id));
