-- Names: whatever can be quoted, and words that SQL itself uses.
CREATE SCHEMA "Other Schema";

-- expect: planted
CREATE TABLE "SPECIAL ""@/\#~_-" ("id ""@/\#~_-" serial PRIMARY KEY, "Name" text NOT NULL, "näme" text NOT NULL, "a'b" integer NOT NULL, "$1" integer NOT NULL,
    "%s {}" text NOT NULL UNIQUE, CONSTRAINT "check ""it""" CHECK ("a'b" > 3 AND "$1" < "a'b"));

-- expect: planted
CREATE TABLE "Other Schema"."Child" ("Id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "SPECIAL" integer NOT NULL REFERENCES "SPECIAL ""@/\#~_-", "select" text NOT NULL);

-- expect: planted
CREATE TABLE "select" ("from" integer PRIMARY KEY, "where" text NOT NULL, "user" text NOT NULL, "end" date NOT NULL, "null" boolean NOT NULL, CHECK ("end" > '2000-01-01'));

-- Columns called like what statements call their parts, and a table like its column.
-- expect: planted
CREATE TABLE t (t integer PRIMARY KEY, r integer NOT NULL, d text NOT NULL, key text NOT NULL, body text NOT NULL, value integer NOT NULL CHECK (value > 0), v integer NOT NULL,
    k text NOT NULL, row text NOT NULL, n integer NOT NULL, relation text NOT NULL, name text NOT NULL, ordinality integer NOT NULL, passes boolean NOT NULL CHECK (passes), x integer NOT NULL);

-- expect: planted
CREATE TABLE key (key text PRIMARY KEY, t integer NOT NULL REFERENCES t);

-- expect: planted
CREATE TABLE r (t serial PRIMARY KEY, r text NOT NULL UNIQUE);

-- expect: planted
CREATE TABLE "a.b" ("c.d" serial PRIMARY KEY, "e.f" integer NOT NULL);

-- expect: planted
CREATE TABLE "Größe" ("größe" serial PRIMARY KEY, "Straße" text NOT NULL CHECK (length("Straße") < 9));

-- expect: planted
CREATE TABLE "UPPER" ("ID" serial PRIMARY KEY);

-- expect: planted
CREATE TABLE upper (id serial PRIMARY KEY, "ID" integer NOT NULL REFERENCES "UPPER", "Id" integer NOT NULL);

-- As long as a name can be.
-- expect: planted
CREATE TABLE a23456789012345678901234567890123456789012345678901234567890123 (
    b23456789012345678901234567890123456789012345678901234567890123 serial PRIMARY KEY, c23456789012345678901234567890123456789012345678901234567890123 text NOT NULL UNIQUE);

-- expect: planted
CREATE TABLE spaces ("  " serial PRIMARY KEY, " a " text NOT NULL, "
" text NOT NULL);

-- Types with such names.
CREATE TYPE "Other Schema"."Kind of" AS ENUM ('A', 'b');
CREATE DOMAIN "Other Schema"."My ""Text" AS text CHECK (VALUE <> '');

-- expect: planted
CREATE TABLE typed (id serial PRIMARY KEY, kind "Other Schema"."Kind of" NOT NULL, text "Other Schema"."My ""Text" NOT NULL, kinds "Other Schema"."Kind of"[] NOT NULL);

-- Dropped columns leave gaps in the numbers.
-- expect: planted
CREATE TABLE gaps (a integer, id serial PRIMARY KEY, b integer, c integer NOT NULL CHECK (c > 5), UNIQUE (id, c));
ALTER TABLE gaps DROP COLUMN a, DROP COLUMN b;
