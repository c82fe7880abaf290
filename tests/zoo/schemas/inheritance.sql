-- Inheritance: a table's rows are also those of the tables that inherit from it.

-- expect: planted
CREATE TABLE vehicle (id serial PRIMARY KEY, wheels integer NOT NULL CHECK (wheels BETWEEN 0 AND 20), plate text NOT NULL UNIQUE);

-- Keys are not inherited, CHECKs and sequences are.
-- expect: planted
CREATE TABLE car (doors integer NOT NULL CHECK (doors > 1)) INHERITS (vehicle);

-- expect: planted
CREATE TABLE lorry (load numeric NOT NULL, PRIMARY KEY (id)) INHERITS (vehicle);

-- expect: planted
CREATE TABLE boat (draught numeric NOT NULL);

-- Two parents.
-- expect: planted
CREATE TABLE amphibian (PRIMARY KEY (id)) INHERITS (vehicle, boat);

-- A reference to the parent finds only the parent's own rows.
-- expect: planted
CREATE TABLE ride (id serial PRIMARY KEY, vehicle_id integer NOT NULL REFERENCES vehicle);
INSERT INTO car (wheels, plate, doors) VALUES (4, 'A 1', 3);
INSERT INTO lorry (wheels, plate, load) VALUES (6, 'A 2', 7.5);

-- The parent holds no rows of its own.
-- expect: refused: abstract
CREATE TABLE abstract (id serial PRIMARY KEY, name text NOT NULL, CONSTRAINT abstract_is_empty CHECK (false) NO INHERIT);

-- expect: planted
CREATE TABLE concrete (PRIMARY KEY (id)) INHERITS (abstract);

-- Partitioned as it was done before there were partitions: a trigger sends the row on.
-- expect: planted
CREATE TABLE measure (id serial PRIMARY KEY, day date NOT NULL, value real NOT NULL);

-- expect: planted
CREATE TABLE measure_old (CHECK (day < '2020-01-01'), PRIMARY KEY (id)) INHERITS (measure);

-- expect: planted
CREATE TABLE measure_new (CHECK (day >= '2020-01-01'), PRIMARY KEY (id)) INHERITS (measure);

CREATE FUNCTION route_measure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.day < '2020-01-01' THEN
        INSERT INTO measure_old VALUES (NEW.*);
    ELSE
        INSERT INTO measure_new VALUES (NEW.*);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER route BEFORE INSERT ON measure FOR EACH ROW EXECUTE FUNCTION route_measure();
