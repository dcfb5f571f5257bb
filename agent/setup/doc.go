// Package setup brings a kiosk without an identity to one: it learns where the centre is and with which token, from
// somebody who types or who shows the centre's QR code to the camera, and has the kiosk's key certified.
//
// What was given is kept beside the key until it is of no more use, so that an enrolment that a power cut or a dead
// line broke off goes on by itself.
//
// What may live here: the steps of a set-up and what ends each. What may not: a screen, the exchange with the centre
// and the files, which package identity has.
package setup
