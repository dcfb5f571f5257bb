package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// line is the network between a kiosk and the broker.
type line struct {
	proxy *toxiproxy.Proxy
}

func openLine(name, to string) (*line, error) {
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), name, "127.0.0.1:0", to)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("open line: %w", err)
	}
	return &line{proxy: p}, nil
}

// addr is where the kiosk dials; it stays the same when the line was cut.
func (l *line) addr() string { return l.proxy.Listen }

// cut refuses connections and ends those that are open.
func (l *line) cut() { l.proxy.Stop() }

// spoil adds a fault to both directions: what goes in and what comes back.
func (l *line) spoil(kind, attributes string) error {
	for _, stream := range []string{"upstream", "downstream"} {
		toxic := fmt.Sprintf(`{"name":"%s-%s","type":"%s","stream":"%s","attributes":{%s}}`, kind, stream, kind, stream, attributes)
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil && !errors.Is(err, toxiproxy.ErrToxicAlreadyExists) {
			return fmt.Errorf("spoil line: %w", err)
		}
	}
	return nil
}

// heal takes every fault away.
func (l *line) heal(ctx context.Context) error {
	l.proxy.Toxics.ResetToxics(ctx)
	if err := l.proxy.Start(); err != nil && !errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) {
		return fmt.Errorf("heal line: %w", err)
	}
	return nil
}

func (l *line) close() { l.proxy.Stop() }
