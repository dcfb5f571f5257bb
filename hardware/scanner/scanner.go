// Package scanner takes a still picture of a document from a scanner or page reader.
package scanner

import (
	"context"
	"errors"
)

// Light is what illuminates a page.
type Light string

// Lights a page reader may have. Every scanner has Visible.
const (
	Visible     Light = "visible"
	Infrared    Light = "infrared"
	Ultraviolet Light = "ultraviolet"
)

// Caps says what a scanner can do.
type Caps struct {
	Lights []Light
	DPI    []int
	Senses bool // reports by itself that a document was put in
}

// Page is one scanned side, a JPEG.
type Page struct {
	JPEG  []byte
	Light Light
	DPI   int
}

// Scanner reads pages. One goroutine uses it at a time.
type Scanner interface {
	Name() string
	Caps() Caps
	// Wait returns when a document is present. Without Caps.Senses it returns at once.
	Wait(ctx context.Context) error
	Scan(ctx context.Context, l Light, dpi int) (Page, error)
	Close() error
}

// Errors of drivers; test with errors.Is.
var (
	ErrMissing   = errors.New("no such scanner")
	ErrCoverOpen = errors.New("scanner cover is open")
	ErrJammed    = errors.New("paper is jammed")
	ErrNoPage    = errors.New("no document in the scanner")
	ErrBusy      = errors.New("scanner is busy")
	ErrIO        = errors.New("scanner does not answer")
)
