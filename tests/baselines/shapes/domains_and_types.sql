-- Domains and types.
CREATE DOMAIN word AS text CHECK (VALUE <> 'bad');
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE t (id int PRIMARY KEY, w word, m mood[], p pair, n numeric, f float4, b bytea, i interval, z timestamptz, h bit(3), c
    char(4));
INSERT INTO t VALUES (1, 'good', '{sad,ok}', '(1,"x y")', 'NaN', 1e-30, '\x00ff', '1 mon -2 days', 'infinity', '101', 'a'), (2,
    NULL, '{}', NULL, 1.10, '-0', '', '-1 year', '2020-01-01', NULL, '');

-- changed --
UPDATE t SET n = 1.1 WHERE id = 2;
UPDATE t SET f = 0 WHERE id = 2;
UPDATE t SET m = '{ok}', p = NULL WHERE id = 1;
