package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"

	"vestibule/server/config"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// codeConflict is of settings that are well written and do not go together.
const codeConflict = "config_conflict"

// check tells what is wrong with the settings as such: what can be told without
// touching anything.
func (s settings) check() error {
	var problems []error
	wrong := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	if s.data == "" {
		wrong(fault.New("data_missing", "no data directory was given", "add -data DIR, or data: DIR to the file of settings", nil))
	}
	if s.db != "" && !store.IsPostgres(s.db) {
		wrong(fault.New("database_unusable", "the database URL is not postgres://…", "leave db out for SQLite in the data directory", nil))
	}
	for _, one := range []struct {
		name, addr string
		must       bool
	}{
		{"http", s.http, true}, {"mqtt", s.mqtt, s.external == ""}, {"enrol", s.enrol, false}, {"metrics", s.metrics, false}, {"broker", s.external, false},
	} {
		if one.addr != "" || one.must {
			wrong(address(one.name, one.addr))
		}
	}
	wrong(s.plain())
	wrong(s.checkFaces())
	_, err := s.foreign()
	wrong(err)
	if s.brokerName != "" && s.external == "" {
		wrong(fault.New(codeConflict, "broker-name names a broker's certificate, and no broker is given", "add broker: HOST:PORT, or leave broker-name out", nil))
	}
	return errors.Join(problems...)
}

// address refuses what is not host:port.
func address(name, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		if n, e := strconv.Atoi(port); e != nil || n < 0 || n > 65535 {
			err = errors.New("the port is no number up to 65535")
		}
	}
	if err != nil {
		return fault.New(name+"_address", "the address of "+name+" is none", "give host:port, such as 127.0.0.1:8080", err)
	}
	return nil
}

// plain refuses to show people's data in plain HTTP to the network.
func (s settings) plain() error {
	if s.proxied || loopback(s.http) {
		return nil
	}
	return fault.New("http_plain", "API and console would answer in plain HTTP on "+s.http,
		"bind them to 127.0.0.1, or put a proxy that ends TLS in front and add -behind-proxy", nil)
}

// wrongUse reports problems of the command line as wrong use of the command.
func (p *program) wrongUse(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			if fault.Code(e) == config.CodeFlag {
				report(p.errs, err)
				return errUsage
			}
		}
	}
	return err
}

// configCheck tells whether serve could begin with these settings.
func configCheck(_ context.Context, p *program, args []string) error {
	fs, s := p.settings("[FILE]")
	loaded, err := p.configure(fs, s, args)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	switch {
	case len(loaded.Operands) == 1 && loaded.From[config.FileFlag] != config.FromFlag:
		// The file was named as what to check: now it is known which one.
		fs, s = p.settings("[FILE]")
		loaded, err = p.configure(fs, s, append([]string{"-" + config.FileFlag, loaded.Operands[0]}, withoutOperands(args, loaded.Operands)...))
	case len(loaded.Operands) > 0:
		_, _ = fmt.Fprintln(p.errs, "server config check: give one file")
		return errUsage
	}
	if err != nil {
		return p.wrongUse(err)
	}
	from := loaded.File
	if from == "" {
		from = "flags and environment"
	}
	_, _ = fmt.Fprintf(p.out, "%s\tthe settings hold; whether ports are free and files can be used, server serve looks\n", from)
	return nil
}

// withoutOperands gives the arguments that are flags and their values.
func withoutOperands(args, operands []string) []string {
	var rest []string
	for _, a := range args {
		if len(operands) > 0 && a == operands[0] {
			operands = operands[1:]
			continue
		}
		rest = append(rest, a)
	}
	return rest
}

// configShow prints the settings that serve would run with.
func configShow(_ context.Context, p *program, args []string) error {
	fs, s := p.settings("")
	loaded, err := p.configure(fs, s, args)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	if e := config.Show(p.out, fs, loaded); e != nil {
		return fmt.Errorf("show the settings: %w", e)
	}
	return p.wrongUse(err)
}

// configure fills serve's flags from command line, environment and file, and tells
// everything that is wrong in any of them at once.
func (p *program) configure(fs *flag.FlagSet, s *settings, args []string) (config.Loaded, error) {
	loaded, err := config.Load(fs, args, os.Environ())
	if errors.Is(err, flag.ErrHelp) {
		return loaded, err
	}
	return loaded, joined(err, s.settle(fs))
}

// joined puts the problems of two lists into one.
func joined(lists ...error) error {
	var all []error
	for _, err := range lists {
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			all = append(all, many.Unwrap()...)
		} else if err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
