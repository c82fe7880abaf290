-- Lists that are full, and tables of one row: what cannot be made anew can be referred to.

-- expect: reused: size
CREATE TABLE size (size text PRIMARY KEY CHECK (size IN ('S', 'M', 'L')));
INSERT INTO size VALUES ('S'), ('M'), ('L');

-- expect: planted
CREATE TABLE shirt (id serial PRIMARY KEY, size text NOT NULL REFERENCES size);

-- expect: planted
CREATE TABLE shirt_colour (shirt_id integer NOT NULL REFERENCES shirt, colour text NOT NULL, PRIMARY KEY (shirt_id, colour));

-- expect: reused: settings
CREATE TABLE settings (one boolean PRIMARY KEY DEFAULT true CHECK (one), name text NOT NULL);
INSERT INTO settings VALUES (true, 'ours');

-- expect: planted
CREATE TABLE plugin (id serial PRIMARY KEY, settings boolean NOT NULL DEFAULT true REFERENCES settings);

-- An empty one can be filled.
-- expect: planted
CREATE TABLE singleton (id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1), name text NOT NULL);

-- expect: reused: singleton_by_index
CREATE TABLE singleton_by_index (id serial PRIMARY KEY, name text NOT NULL);
CREATE UNIQUE INDEX singleton_by_index_one ON singleton_by_index ((true));
INSERT INTO singleton_by_index (name) VALUES ('the one');

CREATE TYPE weekday AS ENUM ('mon', 'tue', 'wed');

-- expect: reused: days
CREATE TABLE days (day weekday PRIMARY KEY);
INSERT INTO days VALUES ('mon'), ('tue'), ('wed');

-- One is left.
-- expect: planted
CREATE TABLE working_days (day weekday PRIMARY KEY);
INSERT INTO working_days VALUES ('mon'), ('wed');

-- expect: planted
CREATE TABLE plan (id serial PRIMARY KEY, day weekday NOT NULL REFERENCES days, size text REFERENCES size);

-- All pairs are taken, and one is not.
-- expect: reused: grid
CREATE TABLE grid (x smallint CHECK (x IN (1, 2)), y boolean, PRIMARY KEY (x, y));
INSERT INTO grid SELECT x, y FROM unnest(ARRAY[1, 2]) x, unnest(ARRAY[true, false]) y;

-- The one pair that is left is found by trying.
-- expect: planted
CREATE TABLE sparse_grid (x smallint CHECK (x IN (1, 2)), y boolean, PRIMARY KEY (x, y));
INSERT INTO sparse_grid VALUES (1, true), (1, false), (2, false);

-- A fixed id that the child's CHECK asks for.
-- expect: planted
CREATE TABLE currency (code character(3) PRIMARY KEY, name text NOT NULL);
INSERT INTO currency VALUES ('EUR', 'Euro'), ('USD', 'Dollar');

-- expect: planted
CREATE TABLE price (id serial PRIMARY KEY, currency character(3) NOT NULL REFERENCES currency CHECK (currency IN ('EUR', 'CHF')), amount numeric(10, 2) NOT NULL);

-- The default refers to a row that stands there.
-- expect: planted
CREATE TABLE language (code text PRIMARY KEY);
INSERT INTO language VALUES ('en');

-- expect: planted
CREATE TABLE reader (id serial PRIMARY KEY, language text NOT NULL DEFAULT 'en' REFERENCES language);

-- A trigger lets nobody add a kind.
-- expect: reused: kinds are fixed
CREATE TABLE kind (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO kind VALUES (1, 'first'), (2, 'second');
CREATE FUNCTION fixed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'kinds are fixed'; END $$;
CREATE TRIGGER fixed BEFORE INSERT OR UPDATE OR DELETE ON kind FOR EACH STATEMENT EXECUTE FUNCTION fixed();

-- expect: planted
CREATE TABLE thing (id serial PRIMARY KEY, kind_id integer NOT NULL REFERENCES kind);
