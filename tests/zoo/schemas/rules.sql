-- Rules: an insert or a deletion that is another.

-- expect: planted
CREATE TABLE journal (id serial PRIMARY KEY, name text);

-- expect: planted
CREATE TABLE also (id serial PRIMARY KEY, name text NOT NULL);
CREATE RULE also_journal AS ON INSERT TO also DO ALSO INSERT INTO journal (name) VALUES (NEW.name);

-- expect: refused: made nothing of the insert
CREATE TABLE ignored (id serial PRIMARY KEY, name text NOT NULL);
CREATE RULE ignore_all AS ON INSERT TO ignored DO INSTEAD NOTHING;

-- expect: refused: made nothing of the insert
CREATE TABLE elsewhere (id serial PRIMARY KEY, name text NOT NULL);
CREATE RULE to_journal AS ON INSERT TO elsewhere DO INSTEAD INSERT INTO journal (name) VALUES (NEW.name);

-- Only some are kept out.
-- expect: planted
CREATE TABLE partly (id serial PRIMARY KEY, n integer NOT NULL CHECK (n > 0));
CREATE RULE not_the_old AS ON INSERT TO partly WHERE NEW.n < 0 DO INSTEAD NOTHING;

-- Deletions are ignored, or only mark the row.
-- expect: planted, leaves eternal
CREATE TABLE eternal (id serial PRIMARY KEY, name text NOT NULL);
CREATE RULE eternal_stays AS ON DELETE TO eternal DO INSTEAD NOTHING;

-- expect: planted, leaves hidden
CREATE TABLE hidden (id serial PRIMARY KEY, name text NOT NULL, deleted boolean NOT NULL DEFAULT false);
CREATE RULE only_hide AS ON DELETE TO hidden DO INSTEAD UPDATE hidden SET deleted = true WHERE hidden.id = OLD.id;

-- expect: planted
CREATE TABLE buried (id serial PRIMARY KEY, name text NOT NULL);
CREATE RULE bury AS ON DELETE TO buried DO ALSO INSERT INTO journal (name) VALUES (OLD.name);

-- expect: planted
CREATE TABLE unchanged (id serial PRIMARY KEY, name text NOT NULL);
CREATE RULE no_update AS ON UPDATE TO unchanged DO INSTEAD NOTHING;
