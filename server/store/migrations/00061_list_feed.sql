-- +goose Up

-- How fetching a list from its address went last. The address stands in the operator's file.
CREATE TABLE list_feed (
    source     TEXT PRIMARY KEY,
    tried      BIGINT NOT NULL,            -- when a fetch began last; whoever moves it on fetches
    done       BIGINT NOT NULL DEFAULT 0,  -- when one succeeded last
    snapshot   TEXT NOT NULL DEFAULT '',   -- what that gave
    validators BYTEA NOT NULL,             -- JSON: ETag and Last-Modified of its files, by SHA-256 of the address
    problem    TEXT NOT NULL DEFAULT ''    -- code of the failure since; empty: none
);

-- +goose Down
DROP TABLE list_feed;
