-- Triggers: what happens beside the row that was asked for.

-- Rewrites the row.
-- expect: planted
CREATE TABLE tidy (id serial PRIMARY KEY, name text NOT NULL CHECK (name = upper(name)), changed_at timestamptz NOT NULL);
CREATE FUNCTION tidy_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name := upper(NEW.name);
    NEW.changed_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER tidy_up BEFORE INSERT OR UPDATE ON tidy FOR EACH ROW EXECUTE FUNCTION tidy_up();

-- Writes down every change; the notes of a row that goes again go with it.
-- expect: planted
CREATE TABLE note (id serial PRIMARY KEY, what text NOT NULL, row_id integer NOT NULL);

-- expect: planted
CREATE TABLE watched (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION take_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO note (what, row_id) VALUES (TG_OP, coalesce(NEW.id, OLD.id));
    RETURN NULL;
END $$;
CREATE TRIGGER take_note AFTER INSERT OR UPDATE OR DELETE ON watched FOR EACH ROW EXECUTE FUNCTION take_note();

-- The notes have no key.
-- expect: planted
CREATE TABLE trail (what text, at timestamptz DEFAULT clock_timestamp());
INSERT INTO trail SELECT 'earlier' FROM generate_series(1, 2);

-- expect: planted
CREATE TABLE trailed (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION leave_trail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO trail (what) VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER leave_trail AFTER INSERT OR DELETE ON trailed FOR EACH STATEMENT EXECUTE FUNCTION leave_trail();

-- A tombstone for each row that is deleted.
-- expect: planted
CREATE TABLE tombstone (relation text, id integer, PRIMARY KEY (relation, id));

-- expect: planted
CREATE TABLE mortal (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO tombstone VALUES (TG_TABLE_NAME, OLD.id); RETURN OLD; END $$;
CREATE TRIGGER bury BEFORE DELETE ON mortal FOR EACH ROW EXECUTE FUNCTION bury();

-- Makes the child row itself.
-- expect: planted
CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL);

-- expect: planted: makes the row
CREATE TABLE profile (person_id integer PRIMARY KEY REFERENCES person ON DELETE CASCADE, bio text NOT NULL DEFAULT '');
CREATE FUNCTION make_profile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO profile (person_id) VALUES (NEW.id); RETURN NULL; END $$;
CREATE TRIGGER make_profile AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION make_profile();

-- A limit: a row that only a trigger makes cannot be referred to in the same plan.
-- expect: refused: profile_pkey
CREATE TABLE avatar (id serial PRIMARY KEY, profile_id integer NOT NULL REFERENCES profile, url text NOT NULL);

-- Demands a column that may be NULL.
-- expect: planted
CREATE TABLE demanding (id serial PRIMARY KEY, name text, price numeric(8, 2));
CREATE FUNCTION demand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name IS NULL THEN RAISE EXCEPTION 'a name is needed'; END IF;
    IF NEW.price IS NULL THEN RAISE 'and a price' USING ERRCODE = 'not_null_violation'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER demand BEFORE INSERT ON demanding FOR EACH ROW EXECUTE FUNCTION demand();

-- Looks for the parent, which must have been written by a statement before.
-- expect: planted
CREATE TABLE basket (id serial PRIMARY KEY, open boolean NOT NULL DEFAULT true, total integer NOT NULL DEFAULT 0);

-- expect: planted
CREATE TABLE line (id serial PRIMARY KEY, basket_id integer NOT NULL REFERENCES basket, amount integer NOT NULL CHECK (amount BETWEEN 1 AND 9));
CREATE FUNCTION add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM basket WHERE id = NEW.basket_id AND open;
    IF NOT FOUND THEN RAISE EXCEPTION 'basket % is shut or not there', NEW.basket_id; END IF;
    UPDATE basket SET total = total + NEW.amount WHERE id = NEW.basket_id;
    RETURN NEW;
END $$;
CREATE TRIGGER add_up BEFORE INSERT ON line FOR EACH ROW EXECUTE FUNCTION add_up();

-- Refuses everybody, and says so.
-- expect: refused: closed for good
CREATE TABLE closed (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is closed for good', TG_TABLE_NAME; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON closed FOR EACH ROW EXECUTE FUNCTION refuse();

-- Drops the row without a word.
-- expect: refused: made nothing of the insert
CREATE TABLE swallowed (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON swallowed FOR EACH ROW EXECUTE FUNCTION swallow();

-- What came in does not go out.
-- expect: refused: at delete: kept stays
CREATE TABLE kept (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% stays', TG_TABLE_NAME; END $$;
CREATE TRIGGER keep BEFORE DELETE ON kept FOR EACH ROW EXECUTE FUNCTION keep();

-- Rows cannot be changed; nobody has to.
-- expect: planted
CREATE TABLE frozen (id serial PRIMARY KEY, name text NOT NULL);
CREATE TRIGGER keep BEFORE UPDATE ON frozen FOR EACH ROW EXECUTE FUNCTION keep();

-- At commit: a parent without a child is refused, and one that is not kept.
-- expect: planted
CREATE TABLE chapter (id serial PRIMARY KEY, title text NOT NULL);

-- expect: planted
CREATE TABLE page (id serial PRIMARY KEY, chapter_id integer NOT NULL REFERENCES chapter, text text NOT NULL);
CREATE FUNCTION drop_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM chapter c WHERE c.id = NEW.id AND NOT EXISTS (SELECT FROM page p WHERE p.chapter_id = c.id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER drop_empty AFTER INSERT ON chapter DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION drop_empty();

-- expect: planted
CREATE TABLE checked (id serial PRIMARY KEY, low integer NOT NULL, high integer NOT NULL);
CREATE FUNCTION in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.low >= NEW.high THEN RAISE 'low is not below high' USING ERRCODE = 'check_violation', CONSTRAINT = 'in_order'; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER in_order AFTER INSERT ON checked DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.low > 2000000000) EXECUTE FUNCTION in_order();

-- Updates rows that stood there before: a count for each kind.
-- expect: planted
CREATE TABLE tally (kind text PRIMARY KEY, seen integer NOT NULL);
INSERT INTO tally VALUES ('all', 7);

-- expect: planted, leaves tally
CREATE TABLE counted (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION count_in() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE tally SET seen = seen + 1 WHERE kind = 'all'; RETURN NULL; END $$;
CREATE TRIGGER count_in AFTER INSERT ON counted FOR EACH ROW EXECUTE FUNCTION count_in();

-- expect: planted
CREATE TABLE balanced (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION count_both() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE tally SET seen = seen + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END WHERE kind = 'all'; RETURN NULL; END $$;
CREATE TRIGGER count_both AFTER INSERT OR DELETE ON balanced FOR EACH ROW EXECUTE FUNCTION count_both();

-- Two references that have to differ, as only a trigger says.
-- expect: planted
CREATE TABLE friendship (one integer NOT NULL REFERENCES person, other integer NOT NULL REFERENCES person, PRIMARY KEY (one, other));
CREATE FUNCTION no_self() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.one = NEW.other THEN RAISE 'nobody is his own friend'; END IF; RETURN NEW; END $$;
CREATE TRIGGER no_self BEFORE INSERT ON friendship FOR EACH ROW EXECUTE FUNCTION no_self();

-- The child's column must be its parent's, as only a trigger says.
-- expect: planted
CREATE TABLE home (id serial PRIMARY KEY, region integer NOT NULL);

-- expect: planted
CREATE TABLE lodger (id serial PRIMARY KEY, home_id integer NOT NULL REFERENCES home, region integer NOT NULL);
CREATE FUNCTION same_region() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.region <> (SELECT region FROM home WHERE id = NEW.home_id) THEN RAISE 'another region'; END IF; RETURN NEW; END $$;
CREATE TRIGGER same_region BEFORE INSERT ON lodger FOR EACH ROW EXECUTE FUNCTION same_region();

-- Switched off, and for replication only.
-- expect: planted
CREATE TABLE quiet (id serial PRIMARY KEY, name text NOT NULL);
CREATE TRIGGER refuse BEFORE INSERT ON quiet FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE quiet DISABLE TRIGGER refuse;
CREATE TRIGGER refuse_replicas BEFORE INSERT ON quiet FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE quiet ENABLE REPLICA TRIGGER refuse_replicas;

-- Is broken itself.
-- expect: refused: relation "gone" does not exist
CREATE TABLE broken (id serial PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION look_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM gone; RETURN NEW; END $$;
CREATE TRIGGER look_away BEFORE INSERT ON broken FOR EACH ROW EXECUTE FUNCTION look_away();
