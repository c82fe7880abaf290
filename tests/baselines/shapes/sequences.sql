-- Sequences.
CREATE SEQUENCE a;
CREATE SEQUENCE b INCREMENT -5 MAXVALUE 100 START 50 CYCLE;
SELECT nextval('a');
CREATE SEQUENCE c CACHE 20;
SELECT nextval('c');

-- changed --
SELECT nextval('a');
SELECT nextval('b');
SELECT setval('c', 5, false);
