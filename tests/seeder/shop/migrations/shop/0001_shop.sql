CREATE TABLE countries (code text PRIMARY KEY, title text NOT NULL);

CREATE TABLE customers (
    id serial PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    country text NOT NULL REFERENCES countries,
    joined_on date NOT NULL
);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    code text NOT NULL UNIQUE,
    status text NOT NULL CHECK (status IN ('open', 'shipped', 'returned')),
    placed_on date NOT NULL,
    shipped_on date,
    CHECK (shipped_on IS NULL OR shipped_on >= placed_on)
);

CREATE INDEX ON orders (customer_id);

CREATE TABLE order_lines (
    order_id bigint NOT NULL REFERENCES orders,
    line integer NOT NULL CHECK (line >= 0),
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    PRIMARY KEY (order_id, line)
);

-- What the application writes below an order by itself.
CREATE TABLE order_notes (
    id serial PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    note text NOT NULL
);

CREATE INDEX ON order_notes (order_id);
