package courier

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vestibule/sync/durable"
)

// Mark is how far the last export reached, so that the kiosk can say of everything
// that waits whether it is on its way.
type Mark struct {
	Epoch   string    `json:"epoch"`
	Last    uint64    `json:"last"`    // highest record in the file
	Picture int64     `json:"picture"` // outbox.Blob.Num of the last picture in it
	File    string    `json:"file"`    // its name
	At      time.Time `json:"at"`      // when it was begun
}

// Folder is the courier's own in a kiosk's data folder.
func Folder(data string) string { return filepath.Join(data, "courier") }

const fileMark = "exported.json"

// Save keeps the mark in a kiosk's data folder. It is a file beside the database,
// because an export must not write into what a running kiosk owns.
func (m Mark) Save(disk Disk, data string) error {
	if err := durable.MkdirAll(Folder(data), 0o700); err != nil {
		return fmt.Errorf("keep the export's mark: %w", err)
	}
	return publish(disk, filepath.Join(Folder(data), fileMark), func(w io.Writer) error { return json.NewEncoder(w).Encode(m) })
}

// LoadMark reads the mark; the zero Mark when there was no export.
func LoadMark(data string) (Mark, error) {
	var m Mark
	f, err := os.Open(filepath.Join(Folder(data), fileMark))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("read the export's mark: %w", err)
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, 4<<10)).Decode(&m); err != nil {
		return Mark{}, fmt.Errorf("read the export's mark: %w", err)
	}
	return m, nil
}
