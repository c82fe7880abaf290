CREATE TYPE medium AS ENUM ('book', 'disc', 'map');

CREATE TABLE genres (code text PRIMARY KEY, title text NOT NULL);
INSERT INTO genres VALUES ('POE', 'Poetry'), ('SCI', 'Science');

CREATE TABLE readers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_name text NOT NULL,
    last_name varchar(40) NOT NULL,
    email text NOT NULL UNIQUE,
    phone text,
    homepage text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE branches (id serial PRIMARY KEY, name text NOT NULL);

CREATE TABLE copies (
    id serial PRIMARY KEY,
    branch_id integer NOT NULL REFERENCES branches,
    genre text NOT NULL REFERENCES genres,
    kind medium NOT NULL,
    title text NOT NULL
);
CREATE INDEX ON copies (branch_id);
CREATE INDEX ON copies (genre);

CREATE TABLE loans (
    id serial PRIMARY KEY,
    reader_id bigint NOT NULL REFERENCES readers,
    copy_id integer NOT NULL REFERENCES copies,
    from_date date NOT NULL,
    to_date date NOT NULL,
    opened_at timestamp NOT NULL,
    closed_at timestamp,
    state text NOT NULL CHECK (state IN ('open', 'returned', 'overdue')),
    CHECK (closed_at IS NULL OR closed_at >= opened_at)
);
CREATE INDEX ON loans (reader_id);
CREATE INDEX ON loans (copy_id);
