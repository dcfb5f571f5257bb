package broker

import (
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/template"

	"vestibule/sync/wire"
)

//go:embed mosquitto
var mosquitto embed.FS

// WriteMosquitto writes mosquitto.conf and mosquitto.acl into dir, for a Mosquitto that listens at host:port and
// finds ca.pem, centre.pem and centre.key beside them. Files that are there are replaced.
func WriteMosquitto(dir, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("broker's address: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("broker's folder: %w", err)
	}
	for _, name := range []string{"mosquitto.conf", "mosquitto.acl"} {
		t, err := template.ParseFS(mosquitto, "mosquitto/"+name)
		if err != nil {
			return fmt.Errorf("read own %s: %w", name, err)
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		err = t.Execute(f, map[string]any{"Host": host, "Port": port, "Dir": dir, "Packet": wire.MaxFrame + 1024})
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
