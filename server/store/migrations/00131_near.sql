-- +goose Up

-- Keyed hashes under which people meet whose data agree only nearly.
CREATE TABLE near_key (
    submission TEXT NOT NULL,
    key        TEXT NOT NULL
);
CREATE INDEX near_key_submission ON near_key (submission);
CREATE INDEX near_key_key ON near_key (key);

-- Version of the rules that a submission's were derived by; 0: they were not yet.
ALTER TABLE submission ADD COLUMN near_version BIGINT NOT NULL DEFAULT 0;
CREATE INDEX submission_near_version ON submission (near_version) WHERE near_version = 0;

-- +goose Down
DROP INDEX submission_near_version;
ALTER TABLE submission DROP COLUMN near_version;
DROP TABLE near_key;
