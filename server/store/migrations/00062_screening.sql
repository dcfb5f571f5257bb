-- +goose Up

-- Pairs of a person and an entry of a list that somebody looked at: it is another person.
-- They hold while neither changes: the person's key is a keyed hash of the data that are
-- compared, and the hash is that of all that the list says of the entry.
CREATE TABLE list_cleared (
    person     TEXT NOT NULL,
    source     TEXT NOT NULL,
    entity     TEXT NOT NULL,
    hash       TEXT NOT NULL,
    submission TEXT NOT NULL,              -- on which it was looked at
    who        TEXT NOT NULL,
    why        BYTEA NOT NULL,             -- encrypted with the data key
    at         BIGINT NOT NULL,
    PRIMARY KEY (person, source, entity, hash)
);
CREATE INDEX list_cleared_at ON list_cleared (at);

-- Screening everybody again who is known, against what a list has that is new.
CREATE TABLE list_rescreen (
    snapshot TEXT PRIMARY KEY,             -- that came into force
    base     TEXT NOT NULL,                -- what is new is new against this; empty: everything is
    created  BIGINT NOT NULL DEFAULT 0,    -- how far it has come: the last submission
    last     TEXT NOT NULL DEFAULT '',
    people   BIGINT NOT NULL DEFAULT 0,
    hits     BIGINT NOT NULL DEFAULT 0,
    begun    BIGINT NOT NULL,
    ended    BIGINT NOT NULL DEFAULT 0
);

-- Who resembles an entry that came on a list after they were decided on.
CREATE TABLE list_hit (
    submission TEXT NOT NULL,
    source     TEXT NOT NULL,
    entity     TEXT NOT NULL,
    hash       TEXT NOT NULL,              -- of the entry
    snapshot   TEXT NOT NULL,
    score      DOUBLE PRECISION NOT NULL,
    event      TEXT NOT NULL,              -- in the journal
    at         BIGINT NOT NULL,
    closed     BIGINT NOT NULL DEFAULT 0,  -- when somebody cleared it
    PRIMARY KEY (submission, source, entity, hash)
);
CREATE INDEX list_hit_closed ON list_hit (closed, at);

-- +goose Down
DROP TABLE list_hit;
DROP TABLE list_rescreen;
DROP TABLE list_cleared;
