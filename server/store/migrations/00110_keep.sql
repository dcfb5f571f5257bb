-- What was erased, what must not be, and the keys that open a person's data in backups.

-- +goose Up

-- One row for each kind of data of a submission that was erased. It stays for ever: whoever restores an older state
-- erases again what stands here. No row holds personal data.
CREATE TABLE erased (
    submission TEXT NOT NULL,
    kind       TEXT NOT NULL,              -- journey.DataKind
    kiosk      TEXT NOT NULL,
    project    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    who        TEXT NOT NULL,
    why        TEXT NOT NULL,              -- code
    finished   BIGINT NOT NULL DEFAULT 0,  -- when its files were gone too
    PRIMARY KEY (submission, kind)
);
CREATE INDEX erased_finished ON erased (finished, at);

-- Sealed pictures that were erased: one that comes late is acknowledged and thrown away.
CREATE TABLE erased_blob (
    blob       TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    kiosk      TEXT NOT NULL
);
CREATE INDEX erased_blob_submission ON erased_blob (submission);

-- Records of the inbox without their bodies: what they were, and the chain before and after them.
CREATE TABLE erased_record (
    kiosk      TEXT NOT NULL,
    epoch      TEXT NOT NULL,
    seq        BIGINT NOT NULL,
    submission TEXT NOT NULL,
    hash       BYTEA NOT NULL,             -- SHA-256 of the body
    before     BYTEA NOT NULL,
    after      BYTEA NOT NULL,
    mark       TEXT NOT NULL,              -- keyed hash of all that: the centre put it here
    PRIMARY KEY (kiosk, epoch, seq)
);
CREATE INDEX erased_record_submission ON erased_record (submission);

-- Faces that left the collection, numbered like those that join it: copies of the centre take them out of memory.
CREATE TABLE erased_face (
    seq        BIGINT PRIMARY KEY,
    submission TEXT NOT NULL
);

-- Submissions that nobody may erase, nor time.
CREATE TABLE legal_hold (
    id         TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    why        TEXT NOT NULL,              -- a reference, without personal data
    who        TEXT NOT NULL,
    begun      BIGINT NOT NULL,
    ended      BIGINT NOT NULL DEFAULT 0,
    ended_by   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX legal_hold_submission ON legal_hold (submission, ended);

-- Keys of what backups hold of one person, one for each kind of data. Backups are written without this table, and
-- the keys into a file of their own.
CREATE TABLE person_key (
    subject TEXT NOT NULL,                 -- submission; or blob: and the name of a picture that belongs to none yet
    kind    TEXT NOT NULL,
    secret  TEXT NOT NULL,                 -- 256 random bits, hex
    PRIMARY KEY (subject, kind)
);

-- A kiosk's submissions among its records (sync/wire: kind 2), by submission.
CREATE INDEX inbox_submission ON inbox (record_id) WHERE kind = 2;
CREATE INDEX list_cleared_submission ON list_cleared (submission);
CREATE INDEX job_subject ON job (subject);

-- +goose Down
DROP INDEX job_subject;
DROP INDEX list_cleared_submission;
DROP INDEX inbox_submission;
DROP TABLE person_key;
DROP TABLE legal_hold;
DROP TABLE erased_face;
DROP TABLE erased_record;
DROP TABLE erased_blob;
DROP TABLE erased;
