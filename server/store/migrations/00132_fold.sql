-- +goose Up

-- What the session's events come to (journal's, JSON), so that a new one need not read the others again; NULL: to be worked out.
ALTER TABLE session ADD COLUMN fold BYTEA;

-- New events of a session are looked for by side and number.
DROP INDEX event_session;
CREATE INDEX event_session ON event (session, origin, seq);

-- +goose Down
DROP INDEX event_session;
CREATE INDEX event_session ON event (session, started);
ALTER TABLE session DROP COLUMN fold;
