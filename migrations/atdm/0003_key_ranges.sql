-- The ledger of volumes: rows whose key is one column fed by a sequence stand here as ranges, not one by one.

CREATE TABLE atdm.ledger_range (
    relation text COLLATE "C" NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    key_column text NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (relation, first)
);

CREATE INDEX ledger_range_request ON atdm.ledger_range (request_id);

-- The request that a key in a range belongs to. Ranges do not overlap: the nearest below is the only one that can hold it.
CREATE FUNCTION atdm.range_owner(of_relation text, id bigint) RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT CASE WHEN id <= l.last THEN l.request_id END FROM atdm.ledger_range l
        WHERE l.relation = of_relation COLLATE "C" AND l.first <= id ORDER BY l.first DESC LIMIT 1);
