// Command server is the centre: it takes in what kiosks send, looks for
// duplicates, screens against lists, decides, tells the kiosk, and shows every
// journey.
//
//	vault/      keys at rest, encryption and keyed hashes of personal data
//	store/      the database: SQLite or PostgreSQL, one set of migrations
//	blobs/      sealed pictures on disk, named by their hash
//	ingest/     records and chunks from kiosks: verified, ordered, applied once
//	duplicate/  who was here before: keys, applicants, faces
//	aml/        sanctions lists: index, search; aml/source reads the formats, aml/gate refuses accidents
//	lists/      which lists are in force
//	decide/     evidence, policy and look-ups in, a decision out (pure)
//	centre/     the runner: re-check, look up, decide and journal, one job at a time
//	review/     the rules by which people decide; review/desk/ runs them on the database
//	notify/     webhooks: what was decided, to partners' systems; notify/mail/ the same to people, by SMTP
//	broker/     the embedded MQTT broker
//	api/        submissions, pictures and journeys for partners, described as OpenAPI; api/example/ asks it
//	console/    journeys and the review queue in a browser
//
// What may live in this folder itself: commands, flags and the wiring of the
// rooms above. What may not: a rule, a query or a page.
package main
