-- Several schemas, and a search path of the database's own: triggers and defaults call things by their bare names.
CREATE SCHEMA sales;
CREATE SCHEMA stock;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = sales, stock, public', current_database()); END $$;
SET search_path = sales, stock, public;

CREATE TYPE stock.state AS ENUM ('there', 'gone');
CREATE DOMAIN stock.sku AS text CHECK (VALUE ~ '^SKU[0-9]{5}$');

-- expect: planted
CREATE TABLE stock.item (sku stock.sku PRIMARY KEY, state stock.state NOT NULL);

-- The same name in three schemas.
-- expect: planted
CREATE TABLE stock.entry (id serial PRIMARY KEY, sku stock.sku NOT NULL REFERENCES stock.item);

-- expect: planted
CREATE TABLE sales.entry (id serial PRIMARY KEY, stock_entry integer NOT NULL REFERENCES stock.entry, amount integer NOT NULL CHECK (amount > 0));

-- expect: planted
CREATE TABLE public.entry (id serial PRIMARY KEY, sales_entry integer NOT NULL REFERENCES sales.entry);

-- expect: planted
CREATE TABLE sales.log (id serial PRIMARY KEY, what text NOT NULL, state state NOT NULL);

CREATE FUNCTION sales.write_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log (what, state) VALUES (TG_TABLE_NAME, 'there'); RETURN NEW; END $$;

-- expect: planted
CREATE TABLE public.logged (id serial PRIMARY KEY, state state NOT NULL DEFAULT 'there', name text NOT NULL);
CREATE TRIGGER write_log AFTER INSERT ON public.logged FOR EACH ROW EXECUTE FUNCTION sales.write_log();
