-- +goose Up

-- Kiosks that a policy was rolled out to before it is in force: one roll-out a project at a time.
CREATE TABLE policy_stage (
    project TEXT   NOT NULL,
    kiosk   TEXT   NOT NULL,
    number  BIGINT NOT NULL,               -- of policy_log
    PRIMARY KEY (project, kiosk)
);

-- +goose Down
DROP TABLE policy_stage;
