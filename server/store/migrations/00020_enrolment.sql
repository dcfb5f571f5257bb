-- +goose Up

-- A token that lets one kiosk enrol once, by the hash of its secret.
CREATE TABLE enrolment (
    hash    TEXT PRIMARY KEY,              -- of the secret, hex
    kiosk   TEXT NOT NULL,
    country TEXT NOT NULL,
    project TEXT NOT NULL,
    broker  TEXT NOT NULL,                 -- host:port that the kiosk is told
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used    BIGINT NOT NULL DEFAULT 0,
    key     TEXT NOT NULL DEFAULT ''       -- SHA-256 of the public key that used it, hex
);
CREATE INDEX enrolment_kiosk ON enrolment (kiosk);

-- +goose Down
DROP TABLE enrolment;
