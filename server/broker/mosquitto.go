package broker

import (
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/template"

	"vestibule/sync/identity"
	"vestibule/sync/wire"
)

//go:embed mosquitto
var mosquitto embed.FS

// packetLimit bounds a packet at a Mosquitto. It stays below what the embedded broker takes: a box whose packet
// the centre's broker refused would send it for ever.
const packetLimit = wire.MaxFrame + 1024

// Branch is a box and the kiosks that it may speak for.
type Branch struct {
	Name   string
	Kiosks []string
}

// User is the name that its certificate proves.
func (b Branch) User() string { return identity.BranchName(b.Name) }

// Topic is where it tells of its line.
func (b Branch) Topic() string { return wire.BridgeTopic(b.Name) }

// WriteMosquitto writes mosquitto.conf and mosquitto.acl into dir, for a Mosquitto that listens at host:port, finds
// ca.pem, centre.pem and centre.key beside them, and lets the boxes of these branches in. Files that are there are
// replaced.
func WriteMosquitto(dir, listen string, branches []Branch) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("broker's address: %w", err)
	}
	return write(dir, map[string]any{"Host": host, "Port": port, "Packet": packetLimit, "Branches": branches},
		map[string]string{"mosquitto.conf": "mosquitto.conf", "mosquitto.acl": "mosquitto.acl"})
}

// Box is what the box of a branch is told.
type Box struct {
	Branch
	Listen string // host:port at which its kiosks reach it
	Centre string // host:port of the centre's broker
	Queue  int64  // bytes that may wait for the line
}

// WriteBox writes mosquitto.conf and mosquitto.acl into dir, for the box of a branch, which finds ca.pem, branch.pem and
// branch.key beside them. Files that are there are replaced.
func WriteBox(dir string, b Box) error {
	host, port, err := net.SplitHostPort(b.Listen)
	if err != nil {
		return fmt.Errorf("box's address: %w", err)
	}
	if _, _, err := net.SplitHostPort(b.Centre); err != nil {
		return fmt.Errorf("centre's address: %w", err)
	}
	return write(dir, map[string]any{
		"Host": host, "Port": port, "Packet": packetLimit, "Branch": b.Name, "Name": b.User(), "Viewer": identity.ViewerName(b.Name),
		"Topic": b.Topic(), "Centre": b.Centre, "Queue": b.Queue, "Kiosks": b.Kiosks,
	}, map[string]string{"mosquitto.conf": "branch.conf", "mosquitto.acl": "branch.acl"})
}

// write fills templates in; files maps what is written to what it is made of.
func write(dir string, data map[string]any, files map[string]string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("broker's folder: %w", err)
	}
	data["Dir"] = dir
	for name, from := range files {
		t, err := template.ParseFS(mosquitto, "mosquitto/"+from)
		if err != nil {
			return fmt.Errorf("read own %s: %w", from, err)
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		err = t.Execute(f, data)
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
