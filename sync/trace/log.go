package trace

import (
	"context"
	"log/slog"
)

type submissionKey struct{}

// With makes lines of the log that are written with this context carry a submission's trace id.
func With(ctx context.Context, submission string) context.Context {
	return context.WithValue(ctx, submissionKey{}, submission)
}

// Logs gives every line that is about a submission its trace's id: the submission of the
// line's own attribute, else of its context, else what current says; current may be nil.
func Logs(h slog.Handler, current func() string) slog.Handler {
	if current == nil {
		current = func() string { return "" }
	}
	return logs{h, current, ""}
}

// submissionAttr is how lines name a submission.
const submissionAttr = "submission"

type logs struct {
	slog.Handler
	current func() string
	bound   string // by WithAttrs
}

// Handle implements slog.Handler.
func (l logs) Handle(ctx context.Context, r slog.Record) error {
	about := ""
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == submissionAttr {
			about = a.Value.String()
		}
		return about == ""
	})
	if about == "" {
		about = l.bound
	}
	if about == "" {
		about, _ = ctx.Value(submissionKey{}).(string)
	}
	if about == "" {
		about = l.current()
	}
	if about != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", ID(about).String()))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == submissionAttr {
			l.bound = a.Value.String()
		}
	}
	l.Handler = l.Handler.WithAttrs(attrs)
	return l
}

// WithGroup implements slog.Handler.
func (l logs) WithGroup(name string) slog.Handler {
	l.Handler = l.Handler.WithGroup(name)
	return l
}
