-- What the claims application writes below a claim: each decision it took, and the remarks to it.

CREATE TABLE claim_decisions (
    id                        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id                  bigint NOT NULL REFERENCES claims (id),
    outcome                   claim_status NOT NULL,
    reason                    text,
    decided_at                timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT claim_decisions_have_reason CHECK ((outcome = 'paid') = (reason IS NULL))
);
CREATE INDEX claim_decisions_claim_id ON claim_decisions (claim_id);
COMMENT ON TABLE claim_decisions IS 'Each adjudication of a claim, the first and every later one.';

CREATE TABLE claim_decision_notes (
    id                        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decision_id               bigint NOT NULL REFERENCES claim_decisions (id),
    note                      text NOT NULL,
    CONSTRAINT claim_decision_notes_say_something CHECK (length(note) > 0)
);
CREATE INDEX claim_decision_notes_decision_id ON claim_decision_notes (decision_id);
COMMENT ON TABLE claim_decision_notes IS 'Remarks for whoever reads a decision.';
