CREATE TABLE genres (code text PRIMARY KEY, title text NOT NULL);

CREATE TABLE readers (
    reader_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name LIKE 'FAKE\_%'),
    card text NOT NULL UNIQUE,
    items integer NOT NULL,
    joined_on date NOT NULL
);

CREATE TABLE books (
    book_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    genre text NOT NULL REFERENCES genres,
    title text NOT NULL,
    price numeric(8, 2) NOT NULL CHECK (price > 0)
);

CREATE TABLE loans (
    loan_id serial PRIMARY KEY,
    reader_id uuid NOT NULL REFERENCES readers,
    book_id bigint NOT NULL REFERENCES books,
    lent_on date NOT NULL,
    returned_on date,
    state text NOT NULL CHECK (state IN ('open', 'returned', 'overdue')),
    CHECK (returned_on IS NULL OR returned_on >= lent_on)
);

CREATE INDEX ON loans (reader_id);
CREATE INDEX ON loans (book_id);

-- What the application writes below a loan by itself.
CREATE TABLE reminders (
    reminder_id serial PRIMARY KEY,
    loan_id integer NOT NULL REFERENCES loans,
    text text NOT NULL
);

CREATE INDEX ON reminders (loan_id);

-- Stands there before any test and may be pointed at a seeded reader: never removed.
CREATE TABLE shelves (shelf_id integer PRIMARY KEY, favourite_of uuid REFERENCES readers);
INSERT INTO shelves VALUES (1, NULL);
CREATE INDEX ON shelves (favourite_of);
