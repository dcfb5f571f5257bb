// Package v4l2 drives cameras of Linux's Video4Linux2: webcams, capture cards,
// and virtual cameras.
//
// The logic – choosing a format, telling a stall from an unplugged device,
// throwing damaged frames away, closing while somebody reads – stands in this
// file's neighbours and is tested against a scripted device. Only library.go
// talks to a real one, through github.com/blackjack/webcam. No camera is needed,
// and none is used, to run the tests: what they prove is the logic, not a
// particular webcam.
//
// What may live here: getting whole frames out of a device. What may not:
// decoding them, or judging what is on them.
package v4l2
