-- +goose Up

-- A partner's key: for one project or all, how many requests a second it may make,
-- and the partner's public key (a JWK) that answers are encrypted to.
ALTER TABLE api_key ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN per_second BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN encrypt_to TEXT NOT NULL DEFAULT '';

-- What is looked up by its value alone needs project and value together: SQLite takes
-- the project for as good a guide as the value, and there is one project.
-- Lists are read newest first, narrowed by at most one of these: each page is one
-- short range of an index, however many rows there are.
CREATE INDEX submission_project_created ON submission (project, created, id);
CREATE INDEX submission_email_created ON submission (email_key, created, id);
CREATE INDEX submission_user_created ON submission (user_key, created, id);
CREATE INDEX submission_phone ON submission (project, phone_key);
CREATE INDEX submission_project_applicant ON submission (project, applicant);
CREATE INDEX decision_session ON decision (session, at);
CREATE INDEX session_project_started ON session (project, started, id);
CREATE INDEX session_kiosk_started ON session (kiosk, started, id);
CREATE INDEX session_status_started ON session (status, started, id);
CREATE INDEX session_decision_started ON session (decision, started, id);
CREATE INDEX session_reason_started ON session (reason, started, id);

-- +goose Down
DROP INDEX session_reason_started;
DROP INDEX session_decision_started;
DROP INDEX session_status_started;
DROP INDEX session_kiosk_started;
DROP INDEX session_project_started;
DROP INDEX decision_session;
DROP INDEX submission_project_applicant;
DROP INDEX submission_phone;
DROP INDEX submission_user_created;
DROP INDEX submission_email_created;
DROP INDEX submission_project_created;
ALTER TABLE api_key DROP COLUMN encrypt_to;
ALTER TABLE api_key DROP COLUMN per_second;
ALTER TABLE api_key DROP COLUMN project;
