-- Branches: several kiosks behind one box, whose bridge may speak for them and for nobody else.

-- +goose Up

CREATE TABLE branch (
    name    TEXT PRIMARY KEY,
    made    BIGINT NOT NULL,
    revoked BIGINT NOT NULL DEFAULT 0
);

-- A kiosk may be named here before it is enrolled; it belongs to one branch at most.
CREATE TABLE branch_kiosk (
    kiosk  TEXT PRIMARY KEY,
    branch TEXT NOT NULL REFERENCES branch (name)
);
CREATE INDEX branch_kiosk_branch ON branch_kiosk (branch);

-- +goose Down
DROP TABLE branch_kiosk;
DROP TABLE branch;
