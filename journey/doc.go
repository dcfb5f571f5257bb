// Package journey is the language of Vestibule: events, sessions, submissions,
// decisions, reasons, codes and policy, and the pure functions that read them.
//
// It reads as the specification. It imports nothing but the standard library,
// does no I/O, holds no clock and keeps no state. Everything a kiosk and the
// centre say to each other is said in these words.
//
// What may live here: a word of the contract, its table, and a function that
// derives one word from others. What may not: pixels, transport, storage, text
// that is shown to a person in another language than English.
package journey
