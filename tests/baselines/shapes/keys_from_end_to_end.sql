-- Keys that fill the type, lie in heaps, are negative, or come where none was.
CREATE TABLE ends ("k.key" bigint PRIMARY KEY, v text);
INSERT INTO ends SELECT i, i FROM unnest('{-9223372036854775808, -9223372036854775807, -5000000000, -1, 0, 1,
    4294967296, 9223372036854775806, 9223372036854775807}'::bigint[]) i;
CREATE TABLE heaps (k bigint PRIMARY KEY, v text);
INSERT INTO heaps SELECT i, i FROM generate_series(1, 6000) i;
INSERT INTO heaps VALUES (4000000000000, 'far');
CREATE TABLE below (k int PRIMARY KEY, v text);
INSERT INTO below SELECT i, i FROM generate_series(-3000, -1) i;
CREATE TABLE small (k smallint PRIMARY KEY, v text);
INSERT INTO small SELECT i, i FROM generate_series(-2000, 2000) i;
CREATE TABLE apart (k bigint PRIMARY KEY);
INSERT INTO apart VALUES (7);

-- changed --
UPDATE ends SET v = 'x' WHERE "k.key" IN (-9223372036854775808, 0, 9223372036854775807);
DELETE FROM ends WHERE "k.key" = -1;
INSERT INTO ends VALUES (77, 'new');
UPDATE heaps SET v = 'x' WHERE k IN (1, 4000, 4000000000000);
INSERT INTO heaps VALUES (-9223372036854775808, 'low'), (9223372036854775807, 'high');
UPDATE below SET v = 'x' WHERE k IN (-3000, -1);
INSERT INTO below SELECT i, 'new' FROM generate_series(0, 300) i;
DELETE FROM small WHERE k % 1000 = 0;
INSERT INTO small VALUES (-32768, 'low'), (32767, 'high');
UPDATE apart SET k = -7;
