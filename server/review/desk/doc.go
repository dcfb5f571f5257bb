// Package desk is where reviewers work: it runs the rules of package review on the
// database, keeps what was written encrypted, shows evidence against a reason, and
// notes every step with a name.
//
// What may live here: the order of reading, asking the rules and keeping, and the audit
// lines. What may not: rules (package review), the way a decision leaves (package
// centre), pages and forms (package console).
package desk
