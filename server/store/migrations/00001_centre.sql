-- One set of migrations for SQLite and PostgreSQL. Only what both understand:
-- TEXT, BIGINT, DOUBLE PRECISION, BYTEA (a blob in SQLite, which keeps bytes as
-- they are under any declared type). Times are microseconds since 1970 UTC, 0 is
-- "never". Truth values are 0 and 1. Keys are made by the program.
--
-- Personal data stands only in columns that are sealed (to the centre's HPKE
-- key, as received) or encrypted (with the data key). Columns named *_key are
-- keyed hashes: good for equality, useless without the key.

-- +goose Up

CREATE TABLE kiosk (
    id           TEXT PRIMARY KEY,        -- common name of its certificate
    country      TEXT NOT NULL,           -- ISO 3166-1 alpha-3 of its site
    project      TEXT NOT NULL,
    public_key   BYTEA NOT NULL,          -- PKIX, ECDSA P-256
    certificate  TEXT NOT NULL,           -- SHA-256 of the certificate, hex
    enrolled     BIGINT NOT NULL,
    revoked      BIGINT NOT NULL DEFAULT 0,
    seen         BIGINT NOT NULL DEFAULT 0,
    online       BIGINT NOT NULL DEFAULT 0,
    birth        TEXT NOT NULL DEFAULT '', -- session number of the last birth
    release      TEXT NOT NULL DEFAULT '',
    clock_offset BIGINT NOT NULL DEFAULT 0, -- kiosk minus centre, microseconds, at the last frame
    command_seq  BIGINT NOT NULL DEFAULT 0, -- highest command made
    cursor_seq   BIGINT NOT NULL DEFAULT 0  -- highest command the kiosk has applied
);

-- How far a kiosk's records of one epoch are applied, and the chain's value there.
CREATE TABLE stream (
    kiosk   TEXT NOT NULL,
    epoch   TEXT NOT NULL,
    high    BIGINT NOT NULL DEFAULT 0,
    head    BYTEA NOT NULL,
    refused TEXT NOT NULL DEFAULT '',      -- code, when frames are no longer merged
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (kiosk, epoch)
);

-- Every record as it came. It stays after it is applied: it is the proof.
CREATE TABLE inbox (
    kiosk     TEXT NOT NULL,
    epoch     TEXT NOT NULL,
    seq       BIGINT NOT NULL,
    kind      BIGINT NOT NULL,
    record_id TEXT NOT NULL,
    body      BYTEA NOT NULL,
    head      BYTEA,                       -- what the kiosk says the chain is here, on the last record of a frame
    received  BIGINT NOT NULL,
    PRIMARY KEY (kiosk, epoch, seq)
);

CREATE TABLE quarantine (
    id       TEXT PRIMARY KEY,
    kiosk    TEXT NOT NULL,
    epoch    TEXT NOT NULL,
    seq      BIGINT NOT NULL,
    kind     BIGINT NOT NULL,
    record_id TEXT NOT NULL,
    why      TEXT NOT NULL,                -- code
    body     BYTEA NOT NULL,               -- raw
    received BIGINT NOT NULL
);
CREATE INDEX quarantine_kiosk ON quarantine (kiosk, received);
CREATE INDEX quarantine_record ON quarantine (record_id);

CREATE TABLE session (
    id          TEXT PRIMARY KEY,
    kiosk       TEXT NOT NULL,
    project     TEXT NOT NULL DEFAULT '',
    submission  TEXT NOT NULL DEFAULT '',
    started     BIGINT NOT NULL,           -- earliest event, kiosk clock
    ended       BIGINT NOT NULL,           -- latest kiosk event, kiosk clock
    received    BIGINT NOT NULL,           -- first receipt
    updated     BIGINT NOT NULL,           -- last receipt
    status      TEXT NOT NULL,
    stage       TEXT NOT NULL DEFAULT '',
    decision    TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    offline     BIGINT NOT NULL DEFAULT 0, -- the kiosk was offline at some time during the visit
    delay       BIGINT NOT NULL DEFAULT 0, -- longest time between an event and its receipt
    events      BIGINT NOT NULL DEFAULT 0,
    kiosk_seq   BIGINT NOT NULL DEFAULT 0,
    centre_seq  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX session_started ON session (started, id);
CREATE INDEX session_updated ON session (updated, id);

CREATE TABLE event (
    id         TEXT PRIMARY KEY,
    session    TEXT NOT NULL,
    submission TEXT NOT NULL DEFAULT '',
    kiosk      TEXT NOT NULL,
    origin     TEXT NOT NULL,
    seq        BIGINT NOT NULL,
    name       TEXT NOT NULL,
    result     TEXT NOT NULL,
    impact     TEXT NOT NULL,
    started    BIGINT NOT NULL,
    received   BIGINT NOT NULL,
    body       BYTEA NOT NULL              -- journey.Event, JSON
);
CREATE INDEX event_session ON event (session, started);
CREATE INDEX event_received ON event (received, id);

CREATE TABLE submission (
    id            TEXT PRIMARY KEY,
    session       TEXT NOT NULL,
    kiosk         TEXT NOT NULL,
    project       TEXT NOT NULL,
    revision      BIGINT NOT NULL,
    state         TEXT NOT NULL,           -- journey.SubmissionState
    stand         TEXT NOT NULL,           -- open, waiting (for pictures), queued, decided, unreadable
    created       BIGINT NOT NULL,
    updated       BIGINT NOT NULL,
    received      BIGINT NOT NULL,
    sealed        BYTEA NOT NULL,          -- as received: sealed to the centre's HPKE key
    private       BYTEA NOT NULL,          -- journey.Submission, CBOR, encrypted with the data key
    pii_version   TEXT NOT NULL DEFAULT '',
    pii_key       TEXT NOT NULL DEFAULT '',
    document_key  TEXT NOT NULL DEFAULT '',
    holder_key    TEXT NOT NULL DEFAULT '', -- name and date of birth and issuing state: same holder, other document
    name_key      TEXT NOT NULL DEFAULT '',
    birth_key     TEXT NOT NULL DEFAULT '',
    email_key     TEXT NOT NULL DEFAULT '',
    phone_key     TEXT NOT NULL DEFAULT '',
    user_key      TEXT NOT NULL DEFAULT '',
    document_type TEXT NOT NULL DEFAULT '',
    document_rank TEXT NOT NULL DEFAULT '', -- issue or expiry date of the document, to tell the newer one
    applicant     TEXT NOT NULL DEFAULT '',
    decision      TEXT NOT NULL DEFAULT '',
    reason        TEXT NOT NULL DEFAULT '',
    comment_code  TEXT NOT NULL DEFAULT '',
    decided_rev   BIGINT NOT NULL DEFAULT 0,
    decided       BIGINT NOT NULL DEFAULT 0,
    pending       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX submission_created ON submission (created, id);
CREATE INDEX submission_session ON submission (session);
CREATE INDEX submission_pii ON submission (project, pii_key);
CREATE INDEX submission_document ON submission (project, document_key);
CREATE INDEX submission_holder ON submission (project, holder_key);
CREATE INDEX submission_email ON submission (project, email_key);
CREATE INDEX submission_user ON submission (project, user_key);
CREATE INDEX submission_applicant ON submission (applicant);

-- At most one approval per applicant and project: the last guard behind the decider's lock.
CREATE TABLE approval (
    project    TEXT NOT NULL,
    applicant  TEXT NOT NULL,
    submission TEXT NOT NULL UNIQUE,
    at         BIGINT NOT NULL,
    PRIMARY KEY (project, applicant)
);

CREATE TABLE blob (
    id       TEXT PRIMARY KEY,             -- SHA-256 of the sealed bytes, hex; also the file's name
    kiosk    TEXT NOT NULL,
    size     BIGINT NOT NULL,
    received BIGINT NOT NULL
);

CREATE TABLE evidence (
    submission TEXT NOT NULL,
    id         TEXT NOT NULL,
    kind       TEXT NOT NULL,
    attempt    BIGINT NOT NULL,
    blob       TEXT NOT NULL,
    size       BIGINT NOT NULL,
    PRIMARY KEY (submission, id)
);
CREATE INDEX evidence_blob ON evidence (blob);

CREATE TABLE decision (
    id         TEXT PRIMARY KEY,           -- also the id of the decision event
    session    TEXT NOT NULL,
    submission TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    applicant  TEXT NOT NULL,
    decision   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    policy     TEXT NOT NULL,
    digest     TEXT NOT NULL,              -- SHA-256 over the submission record and its evidence
    lists      TEXT NOT NULL,
    record     BYTEA NOT NULL,             -- the whole of it, JSON without personal data
    at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX decision_once ON decision (submission, session, revision);

CREATE TABLE applicant (
    id      TEXT PRIMARY KEY,
    parent  TEXT NOT NULL,                 -- itself when it is a root
    created BIGINT NOT NULL
);
CREATE INDEX applicant_parent ON applicant (parent);

CREATE TABLE applicant_log (
    id        TEXT PRIMARY KEY,
    survivor  TEXT NOT NULL,
    merged    TEXT NOT NULL,
    why       TEXT NOT NULL,
    evidence  TEXT NOT NULL,               -- submission that brought the link
    at        BIGINT NOT NULL
);

CREATE TABLE face (
    seq        BIGINT PRIMARY KEY,
    submission TEXT NOT NULL UNIQUE,
    applicant  TEXT NOT NULL,
    project    TEXT NOT NULL,
    model      TEXT NOT NULL,
    template   BYTEA NOT NULL,             -- float32 little endian, encrypted with the data key
    created    BIGINT NOT NULL
);

CREATE TABLE list_snapshot (
    id       TEXT PRIMARY KEY,             -- SHA-256 over the files, hex
    kind     TEXT NOT NULL,
    meta     BYTEA NOT NULL,               -- JSON
    entities BIGINT NOT NULL,
    imported BIGINT NOT NULL,
    active   BIGINT NOT NULL               -- one active snapshot per kind
);

CREATE TABLE list_entity (
    snapshot TEXT NOT NULL,
    id       TEXT NOT NULL,
    hash     TEXT NOT NULL,                -- of the content, so that a refresh can tell what changed
    body     BYTEA NOT NULL,               -- JSON
    PRIMARY KEY (snapshot, id)
);

CREATE TABLE screening (
    submission TEXT PRIMARY KEY,
    status     TEXT NOT NULL,              -- Not Screened, Red Flag, Clear
    risk       TEXT NOT NULL,
    result     BYTEA NOT NULL,             -- JSON: matches with entity ids and scores, engine, snapshots
    at         BIGINT NOT NULL
);

CREATE TABLE command (
    kiosk     TEXT NOT NULL,
    seq       BIGINT NOT NULL,
    kind      BIGINT NOT NULL,
    record_id TEXT NOT NULL,
    body      BYTEA NOT NULL,
    created   BIGINT NOT NULL,
    applied   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (kiosk, seq)
);

CREATE TABLE api_key (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    hash    TEXT NOT NULL UNIQUE,          -- SHA-256 of the key, which has 256 random bits
    scope   TEXT NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE job (
    id       TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    state    TEXT NOT NULL,                -- queued, running, done, dead
    attempts BIGINT NOT NULL DEFAULT 0,
    due      BIGINT NOT NULL,
    lease    BIGINT NOT NULL DEFAULT 0,
    problem  TEXT NOT NULL DEFAULT '',     -- code of the last failure
    created  BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    UNIQUE (kind, subject)
);
CREATE INDEX job_due ON job (state, due);

CREATE TABLE policy (
    project TEXT NOT NULL,
    version TEXT NOT NULL,
    body    BYTEA NOT NULL,                -- journey.Policy, JSON
    applied BIGINT NOT NULL,
    PRIMARY KEY (project, version)
);

CREATE TABLE audit (
    id     TEXT PRIMARY KEY,
    at     BIGINT NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,
    target TEXT NOT NULL
);

-- Rows that are only ever locked: whoever updates one holds it until the transaction ends.
CREATE TABLE turn (
    name TEXT PRIMARY KEY,
    n    BIGINT NOT NULL
);
INSERT INTO turn (name, n) VALUES ('decider', 0);

-- +goose Down
DROP TABLE turn;
DROP TABLE audit;
DROP TABLE policy;
DROP TABLE job;
DROP TABLE api_key;
DROP TABLE command;
DROP TABLE screening;
DROP TABLE list_entity;
DROP TABLE list_snapshot;
DROP TABLE face;
DROP TABLE applicant_log;
DROP TABLE applicant;
DROP TABLE decision;
DROP TABLE evidence;
DROP TABLE blob;
DROP TABLE approval;
DROP TABLE submission;
DROP TABLE event;
DROP TABLE session;
DROP TABLE quarantine;
DROP TABLE inbox;
DROP TABLE stream;
DROP TABLE kiosk;
