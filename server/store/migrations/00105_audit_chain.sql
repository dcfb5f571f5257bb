-- The audit is a chain: every line has a place and a hash that binds it to the one before it (see package audit).
-- Lines from before have neither until the centre opens the database for the first time, and chains them once.

-- +goose Up

ALTER TABLE audit ADD COLUMN n BIGINT;     -- place, from 1 without gaps
ALTER TABLE audit ADD COLUMN hash BYTEA;   -- SHA-256
CREATE UNIQUE INDEX audit_n ON audit (n);
CREATE INDEX audit_who ON audit (who, n);
CREATE INDEX audit_at ON audit (at, id);

-- Where the chain ends. Whoever adds lines updates this row first, and so holds it until the transaction ends.
CREATE TABLE audit_head (
    one   BIGINT PRIMARY KEY,              -- 1
    n     BIGINT NOT NULL,                 -- place of the last line; 0: there is none
    hash  BYTEA,                           -- of the last line
    begun BIGINT NOT NULL DEFAULT 0        -- 1: the lines from before are chained
);
INSERT INTO audit_head (one, n) VALUES (1, 0);

-- +goose Down
DROP TABLE audit_head;
DROP INDEX audit_at;
DROP INDEX audit_who;
DROP INDEX audit_n;
ALTER TABLE audit DROP COLUMN hash;
ALTER TABLE audit DROP COLUMN n;
