-- +goose Up

-- How often the centre read a kiosk's evidence again, and differently, a day and a set of the kiosk's networks.
CREATE TABLE recheck_tally (
    kiosk    TEXT   NOT NULL,
    models   TEXT   NOT NULL, -- digest of named
    day      BIGINT NOT NULL, -- microseconds, UTC midnight
    named    TEXT   NOT NULL, -- name=version, one a line
    n        BIGINT NOT NULL,
    differed BIGINT NOT NULL,
    alarmed  BIGINT NOT NULL DEFAULT 0, -- when somebody was told, microseconds; 0: nobody was
    PRIMARY KEY (kiosk, models, day)
);
CREATE INDEX recheck_tally_day ON recheck_tally (day);

-- +goose Down
DROP TABLE recheck_tally;
