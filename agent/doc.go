// Package agent runs one kiosk: the visit's flow, the local checks, the local
// store, its health. It has no screen: a user interface commands and observes it,
// and it runs the same without one.
//
// One goroutine owns the state of the visit. Commands go in through Do, states
// come out through Watch, live pictures through Preview. Nothing else is shared.
//
//	visit/   the state machine: what follows what, attempts, time-outs (no I/O)
//	check/   STEP1 and STEP2: findings and policy in, verdicts and codes out (pure)
//	store/   SQLite: visits, events, submissions, evidence, with the outbox in the same transaction
//	capture/ cameras and the vision engine: frames in, captures and hints out
//
// What may live here: what a kiosk does by itself. What may not: widgets and
// texts, and final decisions, which are the centre's.
package agent
