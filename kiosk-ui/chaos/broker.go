package main

import (
	"context"
	"fmt"
)

// embedded is the broker in the centre's own program.
const embedded = "embedded"

// brokerName is the name in an external broker's certificate.
const brokerName = "broker"

func brokers() string { return embedded }

// pipe is a broker in a process of its own.
type pipe struct{}

func openPipe(context.Context, string, string, string, string, string) (*pipe, error) {
	return nil, fmt.Errorf("no such broker")
}
func (p *pipe) restart(context.Context) error { return nil }
func (p *pipe) kill()                         {}
func named(string, string) error              { return nil }
