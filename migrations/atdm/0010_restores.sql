-- Counts restores of baselines. Who keeps numbers of sequences ahead has to give them up after one: the sequences stand elsewhere then.
CREATE SEQUENCE atdm.restores;
