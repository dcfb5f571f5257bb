// Package open turns an operator's word for a scanner into a scanner.
//
// What may live here: knowing every driver by name. What may not: a driver.
package open

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vestibule/hardware/clock"
	"vestibule/hardware/scanner"
	"vestibule/hardware/scanner/replay"
)

// ErrSpec says that a scanner specification is not understood.
var ErrSpec = errors.New("not a scanner: write replay:FOLDER or none")

// Scanner understands
//
//	replay:FOLDER    pages of a folder
//	none, or empty   no scanner: every call is scanner.ErrMissing
//
// It opens nothing yet. clk may be nil.
func Scanner(spec string, clk clock.Clock) (scanner.Scanner, error) {
	scheme, rest, _ := strings.Cut(spec, ":")
	switch {
	case spec == "" || spec == "none":
		return None{}, nil
	case scheme == "replay" && rest != "":
		return replay.New(rest, clk), nil
	}
	return nil, fmt.Errorf("%q: %w", spec, ErrSpec)
}

// None is the scanner of a kiosk without one.
type None struct{}

var _ scanner.Scanner = None{}

// Name is "none".
func (None) Name() string { return "none" }

// Caps are empty.
func (None) Caps() scanner.Caps { return scanner.Caps{} }

// Wait always fails.
func (None) Wait(context.Context) error {
	return fmt.Errorf("wait for a document: %w", scanner.ErrMissing)
}

// Scan always fails.
func (None) Scan(context.Context, scanner.Light, int) (scanner.Page, error) {
	return scanner.Page{}, fmt.Errorf("scan: %w", scanner.ErrMissing)
}

// Close does nothing.
func (None) Close() error { return nil }
