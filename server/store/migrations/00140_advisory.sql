-- Roll-outs of cut, salted hashes by which kiosks note that somebody may have been here before (package advisory).

-- +goose Up

-- The salt of a roll-out is worked out from its id by the centre's hash key, and stands nowhere.
CREATE TABLE advisory_issue (
    id      TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    number  BIGINT NOT NULL,            -- grows within the project
    bits    BIGINT NOT NULL,
    last    BIGINT NOT NULL DEFAULT 0,  -- number of its last entry or removal
    made    BIGINT NOT NULL,
    whole   BIGINT NOT NULL DEFAULT 0,  -- when everybody was in it; before that nobody is given it
    UNIQUE (project, number)
);

CREATE TABLE advisory_entry (
    issue      TEXT NOT NULL,
    number     BIGINT NOT NULL,
    submission TEXT NOT NULL,
    document   BIGINT NOT NULL,         -- cut hashes; 0: not known
    person     BIGINT NOT NULL,
    PRIMARY KEY (issue, number)
);
CREATE INDEX advisory_entry_submission ON advisory_entry (submission);

-- Entries that are no more: kiosks that have them take them out.
CREATE TABLE advisory_gone (
    issue  TEXT NOT NULL,
    number BIGINT NOT NULL,
    gone   BIGINT NOT NULL,             -- number of the entry
    PRIMARY KEY (issue, number)
);

-- Number of the newest roll-out that a submission stands in; 0: in none.
ALTER TABLE submission ADD COLUMN advisory BIGINT NOT NULL DEFAULT 0;
CREATE INDEX submission_advisory ON submission (project, advisory) WHERE stand = 'decided' AND decision IN ('APPROVED', 'PENDING');

-- +goose Down
DROP INDEX submission_advisory;
ALTER TABLE submission DROP COLUMN advisory;
DROP TABLE advisory_gone;
DROP TABLE advisory_entry;
DROP TABLE advisory_issue;
