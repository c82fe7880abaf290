-- CHECKs: what a row must say of itself.
CREATE TYPE phase AS ENUM ('draft', 'open', 'shut');

-- expect: planted
CREATE TABLE bounds (id serial PRIMARY KEY, percent integer NOT NULL CHECK (percent BETWEEN 0 AND 100),
    rate numeric(5, 4) NOT NULL CHECK (rate > 0 AND rate < 1), odd integer NOT NULL CHECK (odd % 2 = 1),
    step integer NOT NULL CHECK (step IN (15, 30, 60)), far bigint NOT NULL CHECK (far > 9000000000), low smallint NOT NULL CHECK (low < -32000));

-- expect: planted
CREATE TABLE texts (
    id serial PRIMARY KEY,
    code text NOT NULL CHECK (code ~ '^[A-Z]{2}-[0-9]{4}$'),
    slug text NOT NULL CHECK (slug ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' AND length(slug) BETWEEN 3 AND 20),
    email text NOT NULL CHECK (email LIKE '%_@_%._%'),
    name text NOT NULL CHECK (name = trim(name) AND name <> ''),
    lower_name text NOT NULL CHECK (lower_name = lower(lower_name)),
    upper_name text NOT NULL CHECK (upper_name = upper(upper_name) AND char_length(upper_name) = 3),
    web text NOT NULL CHECK (web LIKE 'https://%' AND web NOT LIKE '%?%'),
    word text NOT NULL CHECK (word SIMILAR TO '(ab|cd)+'),
    small text NOT NULL CHECK (octet_length(small) <= 4),
    country character(2) NOT NULL CHECK (country ~ '^[A-Z]+$'),
    no_spaces text NOT NULL CHECK (position(' ' IN no_spaces) = 0),
    starts text NOT NULL CHECK (starts_with(starts, 'id_')),
    prefixed text NOT NULL CHECK (left(prefixed, 3) = 'ab-'),
    hex text NOT NULL UNIQUE CHECK (hex ~* '^[0-9a-f]{8}$')
);

-- One column against another.
-- expect: planted
CREATE TABLE spans (
    id serial PRIMARY KEY, starts date NOT NULL, ends date NOT NULL, low integer NOT NULL, high integer NOT NULL, middle integer NOT NULL,
    opened timestamptz NOT NULL, shut timestamptz, CHECK (starts < ends), CHECK (low <= middle AND middle <= high), CHECK (shut >= opened),
    CHECK (ends - starts <= 31), CHECK (high - low BETWEEN 5 AND 10)
);

-- expect: planted
CREATE TABLE moments (
    id serial PRIMARY KEY, birth date NOT NULL CHECK (birth < CURRENT_DATE - interval '18 years'), past timestamptz NOT NULL CHECK (past <= now()),
    future timestamptz NOT NULL CHECK (future > now() + interval '1 hour'), first_of_month date NOT NULL CHECK (extract(day FROM first_of_month) = 1),
    monday date NOT NULL CHECK (extract(isodow FROM monday) = 1), midnight timestamp NOT NULL CHECK (midnight = date_trunc('day', midnight)),
    lasts interval NOT NULL CHECK (lasts > interval '0' AND lasts <= interval '1 day'), opening time NOT NULL CHECK (opening < '12:00')
);

-- NULL in company: none or both, one of several, at least one.
-- expect: planted
CREATE TABLE company (
    id serial PRIMARY KEY, a integer, b text, c date, d integer, e integer, f integer, g integer, h integer,
    CHECK ((a IS NULL) = (b IS NULL)), CHECK (num_nonnulls(c, d, e) = 1), CHECK (f IS NOT NULL OR g IS NOT NULL), CHECK (num_nulls(g, h) >= 1)
);

-- expect: planted
CREATE TABLE implications (
    id serial PRIMARY KEY, state phase NOT NULL, opened_at timestamptz, shut_at timestamptz, reason text,
    CHECK (state <> 'shut' OR shut_at IS NOT NULL), CHECK (state = 'draft' OR opened_at IS NOT NULL), CHECK (shut_at IS NULL OR shut_at > opened_at),
    CHECK (CASE WHEN state = 'shut' THEN reason IS NOT NULL AND length(reason) > 5 ELSE reason IS NULL END), CHECK (NOT (state = 'draft' AND opened_at IS NOT NULL))
);

-- expect: planted
CREATE TABLE cases (
    id serial PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('cash', 'card', 'bank')), card text, iban text,
    CHECK (CASE kind WHEN 'card' THEN card IS NOT NULL WHEN 'bank' THEN iban ~ '^[A-Z]{2}[0-9]{8}$' AND iban IS NOT NULL ELSE true END)
);

-- expect: planted
CREATE TABLE documents (
    id serial PRIMARY KEY, body jsonb NOT NULL CHECK (jsonb_typeof(body) = 'object'), list jsonb NOT NULL CHECK (jsonb_typeof(list) = 'array'),
    keyed jsonb NOT NULL CHECK (keyed ? 'type'), tags text[] NOT NULL CHECK (cardinality(tags) > 0), pair integer[] NOT NULL CHECK (array_length(pair, 1) = 2),
    flat integer[] NOT NULL CHECK (array_position(flat, NULL) IS NULL)
);

-- Arithmetic over columns, and a total.
-- expect: planted
CREATE TABLE sums (id serial PRIMARY KEY, net numeric(10, 2) NOT NULL, tax numeric(10, 2) NOT NULL, gross numeric(10, 2) NOT NULL,
    CHECK (net >= 0 AND tax >= 0), CHECK (gross = net + tax));

-- expect: planted
CREATE TABLE share (id serial PRIMARY KEY, a integer NOT NULL, b integer NOT NULL, CHECK (a + b = 100), CHECK (a >= 0 AND b >= 0));

-- The same condition twice, a condition that is always true, one that is only not false.
-- expect: planted
CREATE TABLE lenient (id serial PRIMARY KEY, n integer, CHECK (n > 3), CHECK (n > 3 AND n < 5), CHECK (true), CHECK (NULL));

-- Not valid: it holds for new rows all the same.
-- expect: planted
CREATE TABLE late (id serial PRIMARY KEY, n integer NOT NULL);
INSERT INTO late (n) VALUES (-1);
ALTER TABLE late ADD CHECK (n > 0) NOT VALID;

-- Nobody can satisfy these.
-- expect: refused: false
CREATE TABLE never (id serial PRIMARY KEY, CHECK (false));

-- expect: refused: empty_n_check
CREATE TABLE empty (id serial PRIMARY KEY, n integer NOT NULL CHECK (n > 5 AND n < 5));

-- expect: refused: torn
CREATE TABLE torn (id serial PRIMARY KEY, a integer NOT NULL, b integer NOT NULL, CHECK (a < b), CHECK (b < a));

-- Rows that nobody can add, but refer to.
-- expect: reused: sealed
CREATE TABLE sealed (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO sealed VALUES (1, 'the one'), (2, 'the other');
ALTER TABLE sealed ADD CONSTRAINT sealed_for_good CHECK (false) NOT VALID;

-- expect: planted
CREATE TABLE below_sealed (id serial PRIMARY KEY, sealed_id integer NOT NULL REFERENCES sealed, note text);

-- A function of the database's own.
CREATE FUNCTION is_even(n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0';
CREATE FUNCTION digit_sum(code text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT sum(d::integer)::integer FROM regexp_split_to_table(code, '') d $$;

-- expect: planted
CREATE TABLE judged (id serial PRIMARY KEY, n integer NOT NULL CHECK (is_even(n)), m integer NOT NULL CHECK (is_even(m + 1)));

-- expect: planted
CREATE TABLE summed (id serial PRIMARY KEY, code text NOT NULL CHECK (code ~ '^[0-9]{3}$'), CHECK (digit_sum(code) % 3 = 0));

-- The row as a whole.
-- expect: planted
CREATE TABLE whole (id serial PRIMARY KEY, a integer, b integer, CHECK (ROW(a, b) IS NOT NULL), CHECK (a IS DISTINCT FROM b), CHECK (greatest(a, b) < 50), CHECK (coalesce(a, 0) > 0));

-- expect: planted
CREATE TABLE chosen (id serial PRIMARY KEY, code text NOT NULL CHECK (code = ANY (ARRAY['a', 'b'])), number integer NOT NULL CHECK (number <> ALL (ARRAY[0, 1, 2])),
    level text NOT NULL DEFAULT 'low' CHECK (level IN ('low', 'high')), wrong_default integer NOT NULL DEFAULT 0 CHECK (wrong_default > 0));
