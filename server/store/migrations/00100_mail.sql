-- Messages that leave by SMTP: one row for each, which is also its job, with lease and
-- attempts, as a delivery's to a webhook.

-- +goose Up

CREATE TABLE mail (
    id         TEXT PRIMARY KEY,           -- also in its Message-ID: the same in every attempt
    kind       TEXT NOT NULL,              -- decision, review_late, kiosk_refused
    once       TEXT NOT NULL UNIQUE,       -- what it is sent for; one is queued for each
    submission TEXT NOT NULL,              -- empty: it speaks of none
    session    TEXT NOT NULL,
    kiosk      TEXT NOT NULL,
    project    TEXT NOT NULL,
    cause      TEXT NOT NULL,              -- decision event; empty: none
    private    BYTEA NOT NULL,             -- address and what the text is made of, encrypted with the data key
    state      TEXT NOT NULL,              -- queued, running, done, dead
    attempts   BIGINT NOT NULL DEFAULT 0,
    due        BIGINT NOT NULL,
    lease      BIGINT NOT NULL DEFAULT 0,
    until      BIGINT NOT NULL,            -- it is no news any more after that
    status     BIGINT NOT NULL DEFAULT 0,  -- last SMTP reply; 0: none came
    problem    TEXT NOT NULL DEFAULT '',   -- code of the last failure
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL
);
CREATE INDEX mail_due ON mail (state, due);
CREATE INDEX mail_order ON mail (submission, created, id);
CREATE INDEX mail_created ON mail (created, id);
CREATE INDEX mail_kind ON mail (kind, created);

-- +goose Down
DROP TABLE mail;
