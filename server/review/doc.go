// Package review holds the rules by which people decide on what the centre holds:
// who may take a submission up and for how long, what a decision needs, when a second
// person has to agree, how long it can be undone, and when it is late.
//
// What may live here: an item of the queue and its transitions, all of them pure: the
// caller brings the time and the policy, and keeps what comes back. What may not:
// storage and texts (package desk), what a decision leads to (package centre), pages.
package review
