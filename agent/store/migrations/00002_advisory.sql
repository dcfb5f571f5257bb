-- +goose Up
-- Cut, salted hashes of who is known to the centre (package advisory): one roll-out in use, and at most one under way.
CREATE TABLE advisory_issue (
    slot    INTEGER PRIMARY KEY AUTOINCREMENT,  -- stands for it in advisory_entry; never used again
    issue   TEXT    NOT NULL UNIQUE,
    salt    BLOB    NOT NULL,
    bits    BIGINT  NOT NULL,
    upto    BIGINT  NOT NULL,                   -- number of the last entry or removal that is here
    live    BIGINT  NOT NULL DEFAULT 0,         -- 1: it was here whole at least once
    heard   BIGINT  NOT NULL DEFAULT 0          -- when it was whole last, by this clock
);
CREATE TABLE advisory_entry (
    slot     INTEGER NOT NULL,
    number   BIGINT  NOT NULL,
    document BIGINT  NOT NULL,                  -- 0: not known
    person   BIGINT  NOT NULL,
    PRIMARY KEY (slot, number)
) WITHOUT ROWID;
CREATE INDEX advisory_entry_document ON advisory_entry (document, slot) WHERE document <> 0;
CREATE INDEX advisory_entry_person ON advisory_entry (person, slot) WHERE person <> 0;

-- The kiosk's own visits, under a salt of its own, until the centre has decided them and its roll-out knows it.
CREATE TABLE advisory_own (
    submission TEXT    NOT NULL PRIMARY KEY,
    at         BIGINT  NOT NULL,
    document   BIGINT  NOT NULL,
    person     BIGINT  NOT NULL,
    decided    BIGINT  NOT NULL DEFAULT 0       -- when the centre's decision came
);
CREATE INDEX advisory_own_at ON advisory_own (at);

-- +goose Down
DROP TABLE advisory_own;
DROP TABLE advisory_entry;
DROP TABLE advisory_issue;
