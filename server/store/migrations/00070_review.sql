-- What people decide: one row for each submission that is held for them or was, what
-- they did to it, and who they are.

-- +goose Up

CREATE TABLE review (
    submission TEXT PRIMARY KEY,
    session    TEXT NOT NULL,
    kiosk      TEXT NOT NULL,
    project    TEXT NOT NULL,
    revision   BIGINT NOT NULL,            -- of the submission, when it came here
    decision   TEXT NOT NULL,              -- that is to be looked at
    reason     TEXT NOT NULL,
    event      TEXT NOT NULL,              -- decision event, empty for what was held before this table was
    opened     BIGINT NOT NULL,
    due        BIGINT NOT NULL,
    state      TEXT NOT NULL,              -- waiting, second, leaving, done
    flag       TEXT NOT NULL DEFAULT '',   -- why it came back
    holder     TEXT NOT NULL DEFAULT '',
    lease      BIGINT NOT NULL DEFAULT 0,
    checking   BIGINT NOT NULL DEFAULT 0,  -- corrected; the checks are to run again
    findings   BYTEA NOT NULL,             -- JSON: what the last run of the checks asked for
    votes      BYTEA NOT NULL,             -- JSON: who decided what, without their texts
    corrected  BYTEA NOT NULL,             -- JSON: names of corrected fields
    leaves     BIGINT NOT NULL DEFAULT 0,
    version    BIGINT NOT NULL,
    updated    BIGINT NOT NULL
);
CREATE INDEX review_due ON review (state, due, submission);

-- Every step that was taken, for ever.
CREATE TABLE review_act (
    id         TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    at         BIGINT NOT NULL,
    who        TEXT NOT NULL,
    what       TEXT NOT NULL,
    detail     TEXT NOT NULL,              -- without personal data
    private    BYTEA                       -- JSON: comments, notes, before and after; encrypted with the data key
);
CREATE INDEX review_act_submission ON review_act (submission, at, id);

-- People who use the console.
CREATE TABLE console_user (
    name     TEXT PRIMARY KEY,
    role     TEXT NOT NULL,                -- reviewer, viewer
    hash     TEXT NOT NULL UNIQUE,         -- SHA-256 of the key, which has 256 random bits
    created  BIGINT NOT NULL,
    disabled BIGINT NOT NULL DEFAULT 0
);

ALTER TABLE submission ADD COLUMN reviewer TEXT NOT NULL DEFAULT '';  -- who decided; empty: the rules
ALTER TABLE submission ADD COLUMN comment BYTEA;                       -- for the person, encrypted with the data key

CREATE INDEX audit_target ON audit (target, at, id);

-- A revision is decided once by the rules, and then as often as people decide.
DROP INDEX decision_once;
ALTER TABLE decision ADD COLUMN round BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX decision_once ON decision (submission, session, revision, round);

-- Faces are numbered on from the highest there is: a number is never given twice.
INSERT INTO turn (name, n) SELECT 'face', COALESCE(MAX(seq), 0) FROM face;

-- What is held already goes into the queue: 24 hours from when it was held.
INSERT INTO review (submission, session, kiosk, project, revision, decision, reason, event, opened, due, state, findings, votes, corrected, version, updated)
SELECT id, session, kiosk, project, revision, decision, reason, '', pending, pending + 86400000000, 'waiting', '[]', '[]', '[]', 1, pending
FROM submission WHERE decision = 'PENDING' AND stand = 'decided';

-- +goose Down
DELETE FROM turn WHERE name = 'face';
DROP INDEX audit_target;
DROP INDEX decision_once;
DELETE FROM decision WHERE round <> 0;
ALTER TABLE decision DROP COLUMN round;
CREATE UNIQUE INDEX decision_once ON decision (submission, session, revision);
ALTER TABLE submission DROP COLUMN comment;
ALTER TABLE submission DROP COLUMN reviewer;
DROP TABLE console_user;
DROP TABLE review_act;
DROP TABLE review;
