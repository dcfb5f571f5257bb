// Package check judges what was seen: findings, policy and the day in, verdicts
// out. STEP1 is the document, STEP2 the face.
//
// Every verdict is one event of the contract with its result, what the person
// experiences, and the code that says why. All of them are provisional: the
// centre looks again at the sealed evidence and is the only one to decide.
//
// What may live here: pure functions. What may not: clocks, devices, storage, and
// pixels. What could not be measured is reported as skipped, never as passed.
package check
