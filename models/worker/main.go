package worker

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"sync"
	"time"

	"vestibule/models"
	"vestibule/models/eyes"
)

// The child's ends of the two pipes.
const (
	fdRequests  = 3
	fdResponses = 4
)

// maxLimit bounds the time of a request, whatever it asks for.
const maxLimit = 5 * time.Minute

// atOnce bounds how many requests the child works on at the same time.
const atOnce = 3

// Main is the body of the child process: the binary's worker subcommand calls
// it with its remaining arguments and exits with what it returns.
func Main(args []string) int {
	return body(args, func(dir string) (models.Engine, error) { return eyes.Open(dir) })
}

// body is Main with another Engine, for tests.
func body(args []string, open func(dir string) (models.Engine, error)) int {
	fs := flag.NewFlagSet("worker", flag.ContinueOnError)
	dir := fs.String("models", "", "models directory")
	memory := fs.Int64("memory", DefaultMemory, "most bytes of data")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	in, out := os.NewFile(fdRequests, "requests"), os.NewFile(fdResponses, "responses")
	if in == nil || out == nil {
		fmt.Fprintln(os.Stderr, "worker: is started by another process, not by hand")
		return 2
	}
	cc, err := newCodec()
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 1
	}
	hello := func(err error, cage []string) error {
		r := response{Cage: cage}
		r.failed(err, false)
		return cc.write(out, r, maxResponse)
	}
	cage, err := limit(*memory)
	if err != nil {
		_ = hello(err, nil)
		return 1
	}
	e, err := open(*dir)
	if err != nil {
		_ = hello(err, nil)
		return 1
	}
	shrink() // the networks' files are no longer needed
	// Everything that has to be opened is open: from here on, nothing else can be.
	more, err := lock()
	if err != nil {
		_ = hello(err, nil)
		return 1
	}
	if err := hello(nil, append(cage, more...)); err != nil {
		return 1
	}
	if err := serve(in, out, cc, e); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 1
	}
	return 0
}

// serve answers requests until the parent closes its end.
func serve(in io.Reader, out io.Writer, cc codec, e models.Engine) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, atOnce)
	var mu sync.Mutex
	r := bufio.NewReaderSize(in, 1<<20)
	for {
		slots <- struct{}{} // before reading, so that memory stays bounded
		var q request
		if err := cc.read(r, &q, maxRequest); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		wg.Go(func() {
			defer func() { <-slots }()
			a := answer(e, q)
			mu.Lock()
			defer mu.Unlock()
			if err := cc.write(out, a, maxResponse); err != nil {
				a = response{ID: q.ID}
				a.failed(fmt.Errorf("answer cannot be sent: %w", err), false)
				_ = cc.write(out, a, maxResponse)
			}
			if q.Op == opDocument || q.Op == opExamine {
				shrink() // large pictures come rarely and should not stay
			}
		})
	}
}

// previewer is an engine that makes live pictures too.
type previewer interface {
	Preview(ctx context.Context, f models.Frame, width, height int) (*image.NRGBA, error)
}

// codeReader is an engine that reads QR codes too.
type codeReader interface {
	ReadQR(ctx context.Context, f models.Frame) ([]byte, error)
}

var (
	_ previewer  = (*eyes.Engine)(nil)
	_ codeReader = (*eyes.Engine)(nil)
)

// answer does one request. A Go panic costs the request, not the child.
func answer(e models.Engine, q request) (a response) {
	a.ID = q.ID
	defer func() {
		if p := recover(); p != nil {
			a = response{ID: q.ID}
			a.failed(fmt.Errorf("%w: the engine panicked: %v", models.ErrFrame, p), false)
		}
	}()
	// The parent's time-out kills; this one lets a reading end by itself before.
	ctx, cancel := context.WithTimeout(context.Background(), min(max(q.Limit, time.Second), maxLimit))
	defer cancel()
	var err error
	switch q.Op {
	case opGlance, opFace:
		if len(q.Frames) != 1 {
			err = fmt.Errorf("%w: %d frames, want 1", models.ErrFrame, len(q.Frames))
			break
		}
		if q.Op == opFace {
			var f models.Face
			if f, err = e.ReadFace(ctx, q.Frames[0]); err == nil {
				a.Face = &f
			}
			break
		}
		var g models.Glance
		if g, err = e.Glance(ctx, q.Frames[0], q.Aim); err == nil {
			a.Glance = &g
		}
	case opDocument:
		var d models.Document
		if d, err = e.ReadDocument(ctx, q.Frames); err == nil {
			a.Document = &d
		}
	case opExamine:
		var x models.Examination
		if x, err = e.Examine(ctx, q.Frames, q.Looks); err == nil {
			a.Examination = &x
		}
	case opPreview:
		p, ok := e.(previewer)
		if !ok || len(q.Frames) != 1 {
			err = fmt.Errorf("%w: no preview", models.ErrFrame)
			break
		}
		var img *image.NRGBA
		if img, err = p.Preview(ctx, q.Frames[0], q.Width, q.Height); err == nil {
			a.Live = &livePicture{img.Rect.Dx(), img.Rect.Dy(), img.Pix}
		}
	case opQR:
		r, ok := e.(codeReader)
		if !ok || len(q.Frames) != 1 {
			err = fmt.Errorf("%w: no code", models.ErrFrame)
			break
		}
		a.QR, err = r.ReadQR(ctx, q.Frames[0])
	case opVersions:
		a.Versions, err = e.Versions(ctx)
	default:
		err = fmt.Errorf("unknown request %d", q.Op)
	}
	a.failed(err, ctx.Err() != nil)
	return a
}
