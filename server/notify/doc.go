// Package notify tells partners' systems what was decided, by webhooks after the
// Standard Webhooks specification.
//
// A receiver checks webhook-signature over "id.timestamp.body" and refuses a
// webhook-timestamp more than five minutes from its own clock; it is told at least
// once and drops a webhook-id that it has seen. The timestamp is that of the attempt.
// Attempts follow Schedule; notifications about one submission to one endpoint
// come in order, and one that was given up no longer holds back the next.
//
// An endpoint is told the decision alone, or, where it was added so, what the API answers a
// key with its scopes, as it is when it is sent.
//
// What may live here: queueing, signing, dialing, sending and retrying. What may
// not: rules of a decision; personal data in the queue or in a log.
package notify
