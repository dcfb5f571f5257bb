-- What leaves the centre after a decision: endpoints, and one row for each
-- notification to each of them. The row is the job, with lease and attempts.

-- +goose Up

CREATE TABLE webhook (
    id       TEXT PRIMARY KEY,
    project  TEXT NOT NULL,
    url      TEXT NOT NULL,
    secret   BYTEA NOT NULL,               -- encrypted with the data key
    previous BYTEA NOT NULL,               -- the secret before the rotation, encrypted; empty: none
    overlap  BIGINT NOT NULL DEFAULT 0,    -- until when the previous one signs too
    created  BIGINT NOT NULL,
    disabled BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE delivery (
    id         TEXT PRIMARY KEY,           -- the webhook-id: the same in every attempt
    webhook    TEXT NOT NULL,
    submission TEXT NOT NULL,
    session    TEXT NOT NULL,
    kiosk      TEXT NOT NULL,
    project    TEXT NOT NULL,
    cause      TEXT NOT NULL,              -- decision event; empty for a test
    body       BYTEA NOT NULL,             -- JSON without personal data
    state      TEXT NOT NULL,              -- queued, running, done, dead
    attempts   BIGINT NOT NULL DEFAULT 0,
    due        BIGINT NOT NULL,
    lease      BIGINT NOT NULL DEFAULT 0,
    status     BIGINT NOT NULL DEFAULT 0,  -- last HTTP status; 0: none came
    problem    TEXT NOT NULL DEFAULT '',   -- code of the last failure
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL
);
CREATE INDEX delivery_due ON delivery (state, due);
CREATE INDEX delivery_order ON delivery (webhook, submission, created, id);

-- +goose Down
DROP TABLE delivery;
DROP TABLE webhook;
