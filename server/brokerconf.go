package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vestibule/server/broker"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// brokerMosquitto writes what a Mosquitto needs to stand in for the embedded broker.
func brokerMosquitto(_ context.Context, p *program, args []string) error {
	fs, data, _ := p.flags("")
	out := fs.String("out", "", "folder to write to")
	listen := fs.String("listen", "0.0.0.0:8883", "address at which the broker listens")
	hosts := fs.String("hosts", "", "names and addresses under which it is reached, separated by commas")
	if _, err := p.parse(fs, args, "data", "out"); err != nil {
		return err
	}
	ca, err := identity.LoadCA(filepath.Join(*data, folderIdentity))
	if err != nil {
		return err
	}
	cert, err := ca.IssueCentre(strings.Split(*hosts, ","), time.Now())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o700); err != nil {
		return fault.New("out_unusable", "the folder cannot be made", "check the path and its owner", err)
	}
	if err := identity.SaveCentre(*out, ca, cert); err != nil {
		return err
	}
	if err := broker.WriteMosquitto(*out, *listen); err != nil {
		return fault.New("out_unusable", "the configuration cannot be written", "give --listen as host:port; check owner and free space", err)
	}
	_, _ = fmt.Fprintf(p.errs, "Start it with: mosquitto -c %s\nand the centre with: server serve --broker HOST:PORT\n", filepath.Join(*out, "mosquitto.conf"))
	return nil
}
