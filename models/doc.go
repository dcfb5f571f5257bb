// Package models names what the machine sees: a Frame goes in, findings come out.
//
// The packages below it do the seeing, each as a plain library that tests and
// benchmarks call directly:
//
//	picture/   decoding and converting pixels
//	quality/   blur, glare, exposure, colour
//	mrz/       the machine readable zone as text: parse, check, write (no pixels)
//	document/  where a document is, what kind it is, what its zone says
//	barcode/   PDF417 symbols
//	aamva/     what the barcode of a driver's licence says (no pixels)
//	idnumber/  personal numbers: form, check digits, what they say (no pixels)
//	visual/    which line of print is which field (no pixels)
//	genuine/   whether it is the document itself, or a picture of it; stage/ draws both
//	face/      where a face is, whose it is, whether it is alive
//	onnx/      trained networks behind one small interface
//	eyes/      all of it together: the Engine of one process
//	worker/    the same Engine in a supervised, unprivileged child process
//	inspect/   one picture looked at, told and drawn on (kiosk-ui inspect)
//	evaluate/  the command that measures all of it on labelled data, with its report
//	manifest/  which trained networks this build trusts (manifest.json), verified
//	fetch/     the command that brings the trained networks to this machine
//
// What may live here: the vocabulary they share. What may not: policy. A finding
// says what was seen and how surely; whether that is enough is said elsewhere.
package models
