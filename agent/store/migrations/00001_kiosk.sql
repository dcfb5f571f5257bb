-- +goose Up
CREATE TABLE session (
    id          TEXT    NOT NULL PRIMARY KEY,
    seq         BIGINT  NOT NULL DEFAULT 0,   -- last event number given
    policy      TEXT    NOT NULL,
    started     BIGINT  NOT NULL,             -- microseconds since 1970, kiosk's clock
    ended       BIGINT,                       -- null: running
    closed      BIGINT  NOT NULL DEFAULT 0,   -- 1: everything of the person was cleared
    submission  TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX session_open ON session (closed, started);

CREATE TABLE event (
    session     TEXT    NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    seq         BIGINT  NOT NULL,
    id          TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    body        BLOB    NOT NULL,             -- journey.Event, CBOR
    PRIMARY KEY (session, seq)
);

CREATE TABLE submission (
    id          TEXT    NOT NULL PRIMARY KEY,
    session     TEXT    NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    revision    BIGINT  NOT NULL,
    state       TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,             -- journey.Submission, CBOR, to the centre's key
    updated     BIGINT  NOT NULL
);

CREATE TABLE evidence (
    id          TEXT    NOT NULL PRIMARY KEY,
    session     TEXT    NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    submission  TEXT    NOT NULL,
    manifest    BLOB    NOT NULL,             -- journey.Evidence, CBOR
    blob        TEXT    NOT NULL,             -- SHA-256 of the sealed bytes, hex
    sealed      BLOB,                         -- null once handed to the queue
    delivered   BIGINT  NOT NULL DEFAULT 0    -- 1: the centre has it
);
CREATE INDEX evidence_session ON evidence (session);
CREATE INDEX evidence_blob ON evidence (blob);

CREATE TABLE checkpoint (
    session     TEXT    NOT NULL PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    sealed      BLOB    NOT NULL,             -- under the visit's own key
    updated     BIGINT  NOT NULL
);

CREATE TABLE setting (
    name        TEXT    NOT NULL PRIMARY KEY,
    value       BLOB    NOT NULL,
    updated     BIGINT  NOT NULL
);

CREATE TABLE verdict (
    event       TEXT    NOT NULL PRIMARY KEY, -- id of the centre's decision event
    submission  TEXT    NOT NULL,
    session     TEXT    NOT NULL,
    body        BLOB    NOT NULL,             -- journey.Verdict, CBOR
    received    BIGINT  NOT NULL
);
CREATE INDEX verdict_submission ON verdict (submission, received);

-- +goose Down
DROP TABLE verdict;
DROP TABLE setting;
DROP TABLE checkpoint;
DROP TABLE evidence;
DROP TABLE submission;
DROP TABLE event;
DROP TABLE session;
