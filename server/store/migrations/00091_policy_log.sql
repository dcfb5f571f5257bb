-- How policies came in force, one row for each time. The greatest number of a project is in force.

-- +goose Up

CREATE TABLE policy_log (
    project TEXT NOT NULL,
    number  BIGINT NOT NULL,               -- from 1, without gaps
    version TEXT NOT NULL,
    what    TEXT NOT NULL,                 -- apply, rollback
    who     TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (project, number)
);
INSERT INTO policy_log (project, number, version, what, who, at)
    SELECT project, ROW_NUMBER() OVER (PARTITION BY project ORDER BY applied, version), version, 'apply', '', applied FROM policy;

-- +goose Down
DROP TABLE policy_log;
