// Package agent runs one kiosk: the visit's flow, the local checks, the local
// store, its health. It has no screen: a user interface commands and observes it,
// and it runs the same without one.
//
// One goroutine owns the visit (owner.go). Commands and observations go in
// through Do and Observe, states come out through Watch, live pictures through
// Preview. What takes time (a camera, a reading) runs beside it and reports back;
// a report of work that is no longer wanted is dropped. Every step forward is one
// transaction: its events, the checkpoint to go back to after a crash, and what
// waits for the centre are stored together or not at all.
//
//	visit.go       commands: what follows what, and how a visit ends
//	steps.go       the two camera steps, from the live picture to the verdicts
//	submission.go  attempts, snapshots, evidence, the receipt
//	observe.go     what the screen may note, and which of our events it answers to
//	recover.go     a visit that a crash interrupted
//	downlink.go    what the line brings: verdicts, policies, arrivals, the clock
//	health.go      storage, queue, old visits
//
//	check/    STEP1 and STEP2: findings and policy in, verdicts and codes out (pure)
//	store/    SQLite: sessions, events, submissions, evidence, with the outbox in the same transaction
//	capture/  cameras and the vision engine: frames in, captures and hints out
//	visitor/  a scripted person, for tests, benchmarks and kiosks without a screen
//
// A document is read when a machine readable zone and a portrait were found, on
// one side or on two (check.Missing, turnOver): a card's front is kept while its
// back is asked for, in the same try.
//
// What may live here: what a kiosk does by itself. What may not: widgets and
// texts, and final decisions, which are the centre's.
package agent
