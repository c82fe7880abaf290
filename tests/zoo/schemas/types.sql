-- Domains and types: every built-in type that a column can have, and those that are made of others.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE "Odd Mood" AS ENUM ('it''s', 'a "b"', 'c,d', '');
CREATE TYPE nobody AS ENUM ();
CREATE TYPE place AS (street text, number integer);
CREATE TYPE place_in_time AS (at place, since date, moods mood[]);
CREATE TYPE span AS RANGE (subtype = double precision);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN small_positive AS positive NOT NULL CHECK (VALUE < 10);
CREATE DOMAIN email AS text CHECK (VALUE ~ '^[^@ ]+@[^@ ]+\.[a-z]{2,}$' AND length(VALUE) <= 60);
CREATE DOMAIN tags AS text[] CHECK (cardinality(VALUE) BETWEEN 1 AND 3);
CREATE DOMAIN address AS place CHECK ((VALUE).number > 0 AND (VALUE).street <> '');
CREATE DOMAIN never AS integer CHECK (VALUE > 1 AND VALUE < 1);
CREATE DOMAIN object AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');

-- expect: planted
CREATE TABLE numbers (a smallint NOT NULL, b integer NOT NULL, c bigint NOT NULL, d numeric NOT NULL, e numeric(6, 3) NOT NULL, f real NOT NULL,
    g double precision NOT NULL, h money NOT NULL, i numeric(3) NOT NULL, j oid NOT NULL);

-- expect: planted
CREATE TABLE words (a text NOT NULL, b character varying NOT NULL, c character varying(3) NOT NULL, d character NOT NULL, e character(5) NOT NULL,
    f name NOT NULL, g bytea NOT NULL, h "char" NOT NULL, j json NOT NULL, k jsonb NOT NULL, l uuid NOT NULL, m jsonpath NOT NULL);

-- The servers of these tests are built without libxml.
-- expect: refused: unsupported XML feature
CREATE TABLE markup (a xml NOT NULL);

-- expect: planted
CREATE TABLE times (a date NOT NULL, b time NOT NULL, c time(0) NOT NULL, d timetz NOT NULL, e timestamp NOT NULL, f timestamptz NOT NULL,
    g timestamp(0) NOT NULL, h timestamptz(3) NOT NULL, i interval NOT NULL, j interval day TO second NOT NULL, k interval(2) NOT NULL, l interval year NOT NULL);

-- expect: planted
CREATE TABLE shapes (a point NOT NULL, b line NOT NULL, c lseg NOT NULL, d box NOT NULL, e path NOT NULL, f polygon NOT NULL, g circle NOT NULL);

-- expect: planted
CREATE TABLE network (a inet NOT NULL, b cidr NOT NULL, c macaddr NOT NULL, d macaddr8 NOT NULL);

-- expect: planted
CREATE TABLE bits (a bit NOT NULL, b bit(5) NOT NULL, c bit varying NOT NULL, d bit varying(4) NOT NULL, e boolean NOT NULL);

-- expect: planted
CREATE TABLE search (a tsvector NOT NULL, b tsquery NOT NULL);

-- expect: planted
CREATE TABLE ranges (a int4range NOT NULL, b int8range NOT NULL, c numrange NOT NULL, d daterange NOT NULL, e tsrange NOT NULL, f tstzrange NOT NULL,
    g int4multirange NOT NULL, h int8multirange NOT NULL, i nummultirange NOT NULL, j datemultirange NOT NULL, k tsmultirange NOT NULL, l tstzmultirange NOT NULL,
    m span NOT NULL, n span_multirange NOT NULL);

-- expect: planted
CREATE TABLE internals (a pg_lsn NOT NULL, b pg_snapshot NOT NULL, c xid NOT NULL, d xid8 NOT NULL, e cid NOT NULL, f tid NOT NULL, g regclass NOT NULL,
    h regtype NOT NULL, i regrole NOT NULL, j regproc NOT NULL, k regnamespace NOT NULL, l txid_snapshot NOT NULL, m regprocedure NOT NULL,
    n regoper NOT NULL, o regoperator NOT NULL, p regconfig NOT NULL, q regdictionary NOT NULL, r regcollation NOT NULL, s oidvector NOT NULL, t int2vector NOT NULL, u aclitem NOT NULL);

-- expect: planted
CREATE TABLE lists (a integer[] NOT NULL, b text[] NOT NULL, c mood[] NOT NULL, d date[] NOT NULL, e jsonb[] NOT NULL, f numeric(4, 1)[] NOT NULL,
    g integer[][] NOT NULL, h place[] NOT NULL, i int4range[] NOT NULL, j uuid[] NOT NULL, k bytea[] NOT NULL, l box[] NOT NULL, m positive[] NOT NULL);

-- expect: planted
CREATE TABLE moods (id serial PRIMARY KEY, a mood NOT NULL, b "Odd Mood" NOT NULL, c mood NOT NULL CHECK (c > 'sad'), d mood NOT NULL UNIQUE);

-- expect: refused: nobody
CREATE TABLE nobodies (id serial PRIMARY KEY, a nobody NOT NULL);

-- expect: planted
CREATE TABLE nobody_needed (id serial PRIMARY KEY, a nobody);

-- expect: planted
CREATE TABLE places (id serial PRIMARY KEY, a place NOT NULL, b place_in_time NOT NULL, c place, CHECK ((a).number >= 1));

-- A row of another table as a value.
-- expect: planted
CREATE TABLE copies (id serial PRIMARY KEY, original bits NOT NULL);

-- expect: planted
CREATE TABLE domains (id serial PRIMARY KEY, a positive NOT NULL, b small_positive, c email NOT NULL UNIQUE, d tags NOT NULL, e address NOT NULL, f object NOT NULL,
    g positive, h email[] NOT NULL);

-- expect: refused: never_check
CREATE TABLE impossible (id serial PRIMARY KEY, a never NOT NULL);

-- expect: planted
CREATE TABLE impossible_unneeded (id serial PRIMARY KEY, a never);

-- A domain is the key, and the reference has another domain over the same type.
CREATE DOMAIN room AS text CHECK (VALUE ~ '^[A-F][0-9]{3}$');

-- expect: planted
CREATE TABLE rooms (id room PRIMARY KEY);

-- expect: planted
CREATE TABLE bookings (id serial PRIMARY KEY, room text NOT NULL REFERENCES rooms, day date NOT NULL);

-- Keys of unusual types.
-- expect: planted
CREATE TABLE keyed_by_date (day date PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_mood (mood mood PRIMARY KEY, sense boolean NOT NULL);
INSERT INTO keyed_by_mood VALUES ('ok', true);

-- expect: planted
CREATE TABLE keyed_by_range (span daterange PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_array (path text[] PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_address (address inet PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_bits (mask bit varying(64) PRIMARY KEY);

-- A limit: the key of a row is kept as JSON, and composites are not read from it.
-- expect: refused: populate_composite
CREATE TABLE keyed_by_place (place place PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_number (amount numeric(12, 2) PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_float (amount double precision PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_json (body jsonb PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_interval (lasts interval PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_money (price money PRIMARY KEY);

-- expect: planted
CREATE TABLE keyed_by_bytes (hash bytea PRIMARY KEY, CHECK (octet_length(hash) = 32));
