package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"vestibule/agent"
	"vestibule/agent/check"
	"vestibule/journey"
	"vestibule/kiosk-ui/text"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/inspect"
	"vestibule/models/picture"
	"vestibule/models/worker"
)

const inspectUsage = `usage: kiosk-ui inspect [flags] PICTURE [PICTURE…]

Looks at pictures the way the kiosk does and tells what it sees: the document, its
zone and portrait, the barcode, the print, the face, and what the checks of STEP1 and
STEP2 say to it. Reads JPEG, PNG, WebP, TIFF, BMP and GIF. Nothing is stored or sent;
what is printed is personal data of whoever is in the picture.

  kiosk-ui inspect passport.jpg
  kiosk-ui inspect -annotated out.png passport.jpg
  kiosk-ui inspect -compare selfie.jpg passport.jpg
  kiosk-ui inspect -json *.jpg | jq .document.fields

exit codes: 0 something was read in every picture, 1 in one of them nothing was
            (or it could not be opened), 2 wrong use, 4 policy, 5 vision
flags:
`

// looksOf are the looks that can be asked for by name.
var looksOf = []string{"document", "face", "barcode", "text", "genuineness"}

// inspectFlags are what a caller asks for.
type inspectFlags struct {
	models, policy, site, looks string
	annotated, compare          string
	json                        bool
	files                       []string
}

// inspectFiles is the inspect command.
func inspectFiles(args []string, out, errs io.Writer) int {
	o, code, stop := parseInspect(args, errs)
	if stop {
		return code
	}
	look, err := o.options()
	if err != nil {
		return report(errs, err)
	}
	policy, err := readPolicy(o.policy)
	if err != nil {
		return report(errs, err)
	}
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer end()
	// The files first: a wrong name needs no worker.
	code = exitDone
	type opened struct {
		name  string
		frame models.Frame
		took  time.Duration
	}
	var pictures []opened
	open := func(name string) (opened, bool) {
		start := time.Now()
		f, err := picture.FromFile(name)
		if err != nil {
			_, _ = fmt.Fprintf(errs, "%s:\n", name)
			code = max(code, report(errs, unusable(err)))
			return opened{}, false
		}
		return opened{name, f, time.Since(start)}, true
	}
	for _, name := range o.files {
		if p, ok := open(name); ok {
			pictures = append(pictures, p)
		}
	}
	var other opened
	if o.compare != "" {
		var ok bool
		if other, ok = open(o.compare); !ok {
			return code
		}
	}
	if len(pictures) == 0 {
		return code
	}
	self, err := os.Executable()
	if err != nil {
		return report(errs, fmt.Errorf("find this program: %w", err))
	}
	start := time.Now()
	engine, err := worker.Start(ctx, worker.Config{Command: []string{self, "worker"}, ModelsDir: o.models})
	if err != nil {
		return report(errs, noVision(err))
	}
	defer engine.Close()
	up := inspect.Step{Name: "worker start", Took: time.Since(start)}

	var second inspect.Account
	if o.compare != "" {
		// Its portrait may be meant, so its document is read too.
		if second, err = inspect.Look(ctx, engine, other.frame, inspect.Options{Face: true}); err != nil {
			return report(errs, unseen(ctx, err))
		}
	}
	for i, p := range pictures {
		a, err := inspect.Look(ctx, engine, p.frame, look)
		if err != nil {
			_, _ = fmt.Fprintf(errs, "%s:\n", p.name)
			code = max(code, report(errs, unseen(ctx, err)))
			if ctx.Err() != nil {
				return code
			}
			continue
		}
		a.Name, a.Bytes = p.name, bytesOf(p.name, a.Bytes)
		steps := []inspect.Step{{Name: "file", Took: p.took}}
		if i == 0 {
			steps = append([]inspect.Step{up}, steps...)
		}
		a.Steps = append(steps, a.Steps...)
		if o.compare != "" {
			start := time.Now()
			a.Comparisons = inspect.Compare(a, second)
			a.Steps = append(a.Steps, inspect.Step{Name: "comparison", Took: time.Since(start)})
		}
		a.Verdicts, a.Outcome = judge(a, second, o, policy)
		if !a.Readable() {
			code = max(code, exitFailed)
		}
		if err := tell(out, a, o, i); err != nil {
			return max(code, report(errs, err))
		}
		if o.annotated != "" {
			if err := annotate(o.annotated, p.frame, a); err != nil {
				return max(code, report(errs, err))
			}
		}
	}
	return code
}

// parseInspect takes flags before, between and behind the pictures.
func parseInspect(args []string, errs io.Writer) (o inspectFlags, code int, stop bool) {
	f := flag.NewFlagSet("kiosk-ui inspect", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Usage = func() {
		_, _ = io.WriteString(errs, inspectUsage)
		f.PrintDefaults()
	}
	f.StringVar(&o.models, "models", "", "`folder` of the trained networks (default: as set up by make models)")
	f.StringVar(&o.policy, "policy", "", "JSON `file` of the policy that the checks follow (default: the built-in one)")
	f.StringVar(&o.site, "site", "", "alpha-3 `country` of the site, for policies that compare it")
	f.StringVar(&o.looks, "look", strings.Join(looksOf, ","), "what to look at; the document always is")
	f.StringVar(&o.annotated, "annotated", "", "PNG `file` to draw into what was seen where")
	f.StringVar(&o.compare, "compare", "", "`picture` of a face or document to compare each face with")
	f.BoolVar(&o.json, "json", false, "print JSON, one line a picture")
	for rest := args; ; {
		switch err := f.Parse(rest); {
		case errors.Is(err, flag.ErrHelp):
			return o, exitDone, true
		case err != nil:
			return o, exitUsage, true
		}
		if f.NArg() == 0 {
			break
		}
		// What stands behind "--" is a picture, whatever it looks like.
		if used := len(rest) - f.NArg(); used > 0 && rest[used-1] == "--" {
			o.files = append(o.files, f.Args()...)
			break
		}
		o.files = append(o.files, f.Arg(0))
		rest = f.Args()[1:]
	}
	wrong := ""
	switch {
	case len(o.files) == 0:
		wrong = "no picture was named"
	case o.annotated != "" && len(o.files) > 1:
		wrong = "-annotated takes one picture at a time"
	case o.annotated != "" && same(o.annotated, o.files[0]) || o.annotated != "" && same(o.annotated, o.compare):
		wrong = "-annotated would write over the picture itself"
	case o.annotated != "" && !strings.EqualFold(suffix(o.annotated), ".png"):
		wrong = "-annotated writes a PNG: let the file's name end in .png"
	}
	if wrong != "" {
		_, _ = fmt.Fprintf(errs, "kiosk-ui inspect: %s\n", wrong)
		f.Usage()
		return o, exitUsage, true
	}
	return o, exitDone, false
}

func same(a, b string) bool {
	x, err := os.Stat(a)
	y, other := os.Stat(b)
	return err == nil && other == nil && os.SameFile(x, y)
}

func suffix(name string) string { return name[max(0, len(name)-4):] }

// options turns the names of looks into what is asked of the engine.
func (o inspectFlags) options() (inspect.Options, error) {
	var out inspect.Options
	for _, l := range strings.Split(o.looks, ",") {
		switch strings.TrimSpace(l) {
		case "document", "":
		case "face":
			out.Face = true
		case "barcode":
			out.Looks.Barcode = true
		case "text":
			out.Looks.Text = true
		case "genuineness":
			out.Looks.Genuineness = true
		default:
			return out, &fault{&agent.Problem{Code: "look_unknown", Message: fmt.Sprintf("There is no look %q.", l), Hint: "Write some of: " + strings.Join(looksOf, ",")}, exitUsage, nil}
		}
	}
	if o.compare != "" {
		out.Face = true
	}
	return out, nil
}

// judge gives what the kiosk's own checks say. A picture with a face and no zone is
// judged as a selfie too, and with a second picture the comparison is; one picture is
// taken for the whole capture, and no challenge can be posed to it.
func judge(a, second inspect.Account, o inspectFlags, policy journey.Policy) ([]inspect.Verdict, *inspect.Outcome) {
	now := time.Now()
	var list []check.Verdict
	var follows *inspect.Outcome
	if a.Document != nil {
		s := check.Step1{Document: *a.Document, Barcode: a.Barcode(), Site: o.site, Today: now, Clock: journey.ClockUnknown, Policy: policy}
		list = append(s.Check(), check.IDLiveness(a.Genuineness(), policy))
		follows = outcome(s, list)
	}
	// The document's side of a comparison is the picture with a zone.
	live, held := a, second
	if zone(a) && !zone(second) && o.compare != "" {
		live, held = second, a
	}
	if f := live.Face; f != nil && (o.compare != "" || f.Found && !zone(a)) {
		alone := policy
		alone.Liveness.Active, alone.Liveness.Injection = false, false
		s := check.Step2{Frames: slices.Repeat([]models.Face{*f}, face.PassiveFrames), Site: o.site, Today: now, Clock: journey.ClockUnknown, Policy: alone, Portrait: held.Face}
		if zone(held) {
			s.Portrait = held.Document.PortraitFace
		}
		_, verdicts := s.Check()
		for _, v := range verdicts {
			if v.Event == journey.EventLivenessVerification || v.Event == journey.EventFaceCompare && o.compare != "" {
				list = append(list, v)
			}
		}
	}
	var out []inspect.Verdict
	for _, v := range list {
		out = append(out, inspect.Verdict{
			Event: string(v.Event), Result: string(v.Result), Impact: string(v.Impact),
			Reason: string(v.Reason), Code: v.Code.String(), Detail: v.Detail,
		})
	}
	return out, follows
}

// outcome is what the kiosk would do after STEP1, and what it would say.
func outcome(s check.Step1, verdicts []check.Verdict) *inspect.Outcome {
	if need := s.Missing(); need != check.NeedNothing {
		return &inspect.Outcome{Action: string(need)}
	}
	r := check.Rule(verdicts)
	o := &inspect.Outcome{Action: string(r.Action), Code: r.Why.Code.String()}
	if r.Action != check.Accept {
		o.Told = text.In("en").ForCode(r.Why.Code, r.Why.Detail[journey.DetailVariant])
	}
	return o
}

func zone(a inspect.Account) bool { return a.Document != nil && a.Document.MRZ != nil }

func tell(out io.Writer, a inspect.Account, o inspectFlags, i int) error {
	if o.json {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false) // a zone is full of <
		return enc.Encode(a)
	}
	if i > 0 {
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	return a.Write(out)
}

// annotate writes the annotated picture.
func annotate(name string, f models.Frame, a inspect.Account) error {
	bad := func(err error) error {
		return &fault{&agent.Problem{Code: "annotated_failed", Message: "The annotated picture cannot be written.", Hint: "Name a new file in a folder that exists, with -annotated."}, exitFailed, err}
	}
	m, err := inspect.Annotate(f, a)
	if err != nil {
		return bad(err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return bad(err)
	}
	// Only its owner reads it: it shows a person.
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		return bad(errors.Unwrap(err))
	}
	return nil
}

// bytesOf is the size of the file itself: a decoded frame is larger.
func bytesOf(name string, otherwise int) int {
	if s, err := os.Stat(name); err == nil {
		return int(s.Size())
	}
	return otherwise
}

// unusable puts a file's own words into a fault.
func unusable(err error) error {
	var f *picture.FileError
	if !errors.As(err, &f) {
		return err
	}
	return &fault{&agent.Problem{Code: f.Code, Message: f.Message, Hint: f.Hint}, exitFailed, f.Cause()}
}

// unseen says why a look at a good file failed.
func unseen(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return &fault{&agent.Problem{Code: "interrupted", Message: "It was stopped.", Hint: "Start it again to finish."}, exitFailed, nil}
	case errors.Is(err, models.ErrFrame):
		return &fault{&agent.Problem{Code: picture.FileDamaged, Message: "The picture cannot be decoded.", Hint: "Save it as an ordinary JPEG or PNG."}, exitFailed, err}
	case errors.Is(err, models.ErrWorker):
		return &fault{&agent.Problem{Code: agent.ProblemWorkerLost, Message: "The vision worker did not survive this picture, or took too long.", Hint: "Try a smaller picture; if it stays, keep the picture: it shows a defect."}, exitVision, err}
	}
	return &fault{&agent.Problem{Code: "inspection_failed", Message: "Looking at the picture failed.", Hint: "Read the cause."}, exitFailed, err}
}
