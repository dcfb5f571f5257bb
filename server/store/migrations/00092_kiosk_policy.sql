-- Which policy each kiosk says it runs, and why it refused the last one that it did not take.

-- +goose Up

CREATE TABLE kiosk_policy (
    kiosk   TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    number  BIGINT NOT NULL,               -- of policy_log
    at      BIGINT NOT NULL,               -- kiosk's clock
    problem TEXT NOT NULL,                 -- code; empty: none since
    refused BIGINT NOT NULL                -- number of the refused one, 0 when it is not known
);

-- +goose Down
DROP TABLE kiosk_policy;
