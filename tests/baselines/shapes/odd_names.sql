-- Odd names.
CREATE SCHEMA "S p";
CREATE TABLE "S p"."T ""x" ("a b" serial PRIMARY KEY, "select" text, "Ä.é" int, t int, s int, m int, h int);
INSERT INTO "S p"."T ""x" ("select", t, s, m, h) VALUES ('a', 1, 2, 3, 4), ('b', 1, 2, 3, 4);
CREATE INDEX "I x" ON "S p"."T ""x" ("select");

-- changed --
UPDATE "S p"."T ""x" SET h = 9, t = 8;
DELETE FROM "S p"."T ""x" WHERE "a b" = 1;
SELECT nextval('"S p"."T ""x_a b_seq"');
