-- Partitioned tables: rows must find a partition.

-- expect: planted
CREATE TABLE by_day (id bigserial, day date NOT NULL, amount integer NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
-- expect: planted
CREATE TABLE by_day_2024 PARTITION OF by_day FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- expect: planted
CREATE TABLE by_day_2031 PARTITION OF by_day FOR VALUES FROM ('2031-01-01') TO (MAXVALUE);

-- expect: planted
CREATE TABLE by_region (id serial, region text NOT NULL, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
-- expect: planted
CREATE TABLE by_region_north PARTITION OF by_region FOR VALUES IN ('north', 'north-east');
-- expect: planted
CREATE TABLE by_region_rest PARTITION OF by_region DEFAULT;

-- expect: planted
CREATE TABLE by_nullable (id serial, region text) PARTITION BY LIST (region);
-- expect: planted
CREATE TABLE by_nullable_none PARTITION OF by_nullable FOR VALUES IN (NULL);
-- expect: planted
CREATE TABLE by_nullable_some PARTITION OF by_nullable FOR VALUES IN ('a', 'b');

-- expect: planted
CREATE TABLE by_hash (id uuid PRIMARY KEY, name text NOT NULL) PARTITION BY HASH (id);
-- expect: planted
CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 0);
-- expect: planted
CREATE TABLE by_hash_1 PARTITION OF by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 1);
-- expect: planted
CREATE TABLE by_hash_2 PARTITION OF by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 2);

-- Two columns at once, and an expression.
-- expect: planted
CREATE TABLE by_pair (a integer NOT NULL, b integer NOT NULL, note text NOT NULL) PARTITION BY RANGE (a, b);
-- expect: planted
CREATE TABLE by_pair_low PARTITION OF by_pair FOR VALUES FROM (1, 5) TO (1, 9);
-- expect: planted
CREATE TABLE by_pair_high PARTITION OF by_pair FOR VALUES FROM (7, MINVALUE) TO (8, MAXVALUE);

-- A limit: bounds of what is computed by functions that are not known here.
-- expect: refused: no partition of relation "by_month"
CREATE TABLE by_month (at timestamptz NOT NULL, note text NOT NULL) PARTITION BY RANGE (date_trunc('month', at AT TIME ZONE 'UTC'));
-- expect: refused: no partition of relation "by_month"
CREATE TABLE by_month_2030 PARTITION OF by_month FOR VALUES FROM ('2030-01-01') TO ('2030-07-01');

-- Partitions of partitions.
-- expect: planted
CREATE TABLE nested (tenant integer NOT NULL, day date NOT NULL, note text, PRIMARY KEY (tenant, day)) PARTITION BY LIST (tenant);
CREATE TABLE nested_1 PARTITION OF nested FOR VALUES IN (1, 2) PARTITION BY RANGE (day);
-- expect: planted
CREATE TABLE nested_1_old PARTITION OF nested_1 FOR VALUES FROM ('1999-01-01') TO ('2000-01-01');
-- expect: planted
CREATE TABLE nested_1_new PARTITION OF nested_1 FOR VALUES FROM ('2000-01-01') TO ('2001-01-01');

-- Only a default; none at all; one that leads nowhere.
-- expect: planted
CREATE TABLE only_default (id integer PRIMARY KEY) PARTITION BY RANGE (id);
-- expect: planted
CREATE TABLE only_default_rest PARTITION OF only_default DEFAULT;

-- expect: refused: partition
CREATE TABLE homeless (id integer PRIMARY KEY, day date) PARTITION BY RANGE (id);

-- expect: refused: partition
CREATE TABLE dead_end (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE dead_end_1 PARTITION OF dead_end FOR VALUES FROM (1) TO (9) PARTITION BY LIST (id);

-- A CHECK of the table that one of its partitions contradicts, and one of a partition alone.
-- expect: planted
CREATE TABLE contradicted (n integer NOT NULL CHECK (n > 100)) PARTITION BY RANGE (n);
-- expect: refused: contradicted
CREATE TABLE contradicted_low PARTITION OF contradicted FOR VALUES FROM (0) TO (50);
-- expect: planted
CREATE TABLE contradicted_high PARTITION OF contradicted FOR VALUES FROM (50) TO (500);

-- References to and from partitioned tables.
-- expect: planted
CREATE TABLE refers_to_parted (id serial PRIMARY KEY, tenant integer NOT NULL, day date NOT NULL, FOREIGN KEY (tenant, day) REFERENCES nested);

-- expect: planted
CREATE TABLE source (id serial PRIMARY KEY, name text NOT NULL);

-- expect: planted
CREATE TABLE parted_child (source_id integer NOT NULL REFERENCES source, kind text NOT NULL) PARTITION BY LIST (kind);
-- expect: planted
CREATE TABLE parted_child_a PARTITION OF parted_child FOR VALUES IN ('a');
