// Package store keeps what one kiosk must not lose: sessions, events,
// submissions, evidence, checkpoints, settings and verdicts, in one SQLite file
// together with the queue to the centre, so that a change and its records are one
// transaction.
//
// The file is opened in WAL mode with synchronous=FULL: what was committed
// survives a power cut. Personal data lies in it only sealed: submissions and
// evidence to the centre's key, checkpoints under a key that dies with the visit
// and never stands in this file.
//
// What may live here: tables and the statements on them. What may not: what a
// visit does next, and keys.
package store
