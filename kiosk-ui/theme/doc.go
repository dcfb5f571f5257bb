// Package theme is how the kiosk looks: colours, type sizes, fonts and icons.
//
// What may live here: a token and what is computed from tokens. What may not: a
// widget, a text, a decision. Every pair of text and ground is listed in
// Palette.Pairs and reaches 4.5:1 (WCAG 2.2, success criterion 1.4.3); a test
// computes it.
package theme
