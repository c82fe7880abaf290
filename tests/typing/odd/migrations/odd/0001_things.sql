CREATE TYPE mood AS ENUM ('sad', 'ok', 'say "so"');
CREATE TYPE "Odd Kind" AS ENUM ('one');
CREATE TYPE place AS (street text, number integer);
CREATE DOMAIN temper AS mood;
CREATE DOMAIN price AS numeric(10, 2) NOT NULL CHECK (VALUE >= 0);

CREATE TABLE colours (code text PRIMARY KEY, title text NOT NULL, mixed_on date, remark text, "from" text);

CREATE TABLE things (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    colour text REFERENCES colours,
    mood mood NOT NULL,
    temper temper,
    moods mood[] NOT NULL,
    kind "Odd Kind" NOT NULL,
    price price,
    ratio double precision NOT NULL,
    small smallint NOT NULL,
    is_new boolean NOT NULL,
    made_on date NOT NULL,
    valid_to date NOT NULL DEFAULT 'infinity',
    lent_until timestamptz,
    seen_at timestamp NOT NULL,
    told_at timestamp(3) with time zone NOT NULL,
    opens time NOT NULL,
    closes timetz NOT NULL,
    span interval NOT NULL,
    key uuid NOT NULL,
    body bytea NOT NULL,
    document jsonb NOT NULL,
    old_document json,
    address inet NOT NULL,
    grid integer[] NOT NULL,
    code character(3) NOT NULL,
    place place NOT NULL,
    period daterange NOT NULL,
    bits bit(3) NOT NULL,
    fee money NOT NULL,
    spot point,
    words tsvector NOT NULL,
    twice integer GENERATED ALWAYS AS (small * 2) STORED,
    -- Names that attributes cannot have, or that annotations need.
    "class" text NOT NULL,
    "two words" integer,
    "Größe" integer NOT NULL,
    "ﬁle" text,
    "__secret" text,
    "_values" integer,
    "items" integer NOT NULL,
    "register" integer NOT NULL,
    "match" text NOT NULL,
    "int" bigint NOT NULL,
    "datetime" date NOT NULL,
    "str" text NOT NULL,
    "Any" jsonb NOT NULL,
    "overload" boolean NOT NULL,
    a_name_that_is_as_long_as_a_name_in_the_database_can_ever_be_ok timestamptz DEFAULT 'infinity'
);
CREATE INDEX ON things (colour);

CREATE SCHEMA apart;
CREATE TABLE apart.things (id uuid PRIMARY KEY, thing_id bigint NOT NULL REFERENCES public.things);
CREATE INDEX ON apart.things (thing_id);
