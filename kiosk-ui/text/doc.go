// Package text is what the kiosk says, and how a line of it is ordered.
//
// The catalogue holds every sentence in every language; a test proves that none
// is missing. Wrap breaks a sentence into lines and puts the pieces of a line in
// the order in which they are seen, right-to-left scripts included: the toolkit
// shapes a word of any script but orders nothing.
//
// What may live here: words, and the order of words. What may not: widgets,
// fonts, colours, personal data.
package text
