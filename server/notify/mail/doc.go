// Package mail tells people by e-mail what was decided about them, in the language they
// chose at the kiosk, and tells operators of what should not wait: by SMTP, from rows of
// the centre's database that are jobs, like the deliveries to webhooks.
//
// A message is queued in the transaction that decides, once for each round of deciding and
// address, with the address encrypted. It is sent at least once: a process that dies
// between the server's last word and the note of it sends again, under the same Message-ID.
// Attempts follow Schedule. A reply of 4xx is tried again, a 5xx about the address or the
// text is final; one about the sender or its password is tried again, for it can be mended
// here. Messages about one submission come in order.
//
// What may live here: words, letters, queueing, talking to one SMTP server, retrying. What
// may not: rules of a decision. Personal data never stands in a subject, a log line, an
// error or a problem's code.
package mail
