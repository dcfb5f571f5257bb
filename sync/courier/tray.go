package courier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"vestibule/sync/durable"
	"vestibule/sync/wire"
)

// Tray is where answers lie on a kiosk until whoever owns the queue has settled
// them: the agent, when it runs. Only one process writes to a queue at a time.
type Tray struct {
	Data   string // the kiosk's data folder
	Kiosk  string
	Centre wire.CentreKey
}

// Lay puts a proven answer into the tray and gives the path at which it lies. The
// same answer twice lies there once.
func (t Tray) Lay(disk Disk, a Answer, file io.Reader) (string, error) {
	if err := durable.MkdirAll(Folder(t.Data), 0o700); err != nil {
		return "", fmt.Errorf("lay acknowledgement down: %w", err)
	}
	if !wire.BlobID(a.Header.ID + a.Header.ID) { // 32 hex digits: it becomes a file's name
		return "", refuse(CodeTampered, errors.New("not an id"))
	}
	path := filepath.Join(Folder(t.Data), a.Header.ID+EndingAnswer)
	err := publish(disk, path, func(w io.Writer) error {
		_, err := io.Copy(w, io.LimitReader(file, maxAcks*(wire.MaxFrame+headSize)))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("lay acknowledgement down: %w", err)
	}
	return path, nil
}

// Collect settles what lies in the tray. An answer that is settled, or refused, is
// gone afterwards; one that could not be settled stays for the next time.
func (t Tray) Collect(ctx context.Context, box Box) (Settled, error) {
	var out Settled
	entries, err := os.ReadDir(Folder(t.Data))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("look for acknowledgements: %w", err)
	}
	var problems []error
	for _, e := range entries {
		if filepath.Ext(e.Name()) != EndingAnswer {
			continue
		}
		p := filepath.Join(Folder(t.Data), e.Name())
		done, err := t.settle(ctx, p, box)
		out.Records, out.Pictures = out.Records+done.Records, out.Pictures+done.Pictures
		out.High, out.Renewed = max(out.High, done.High), out.Renewed || done.Renewed
		if err == nil || Refusal(err) {
			err = errors.Join(err, os.Remove(p))
		}
		problems = append(problems, err)
	}
	return out, errors.Join(problems...)
}

func (t Tray) settle(ctx context.Context, path string, box Box) (Settled, error) {
	f, err := os.Open(path)
	if err != nil {
		return Settled{}, fmt.Errorf("open acknowledgement: %w", err)
	}
	defer f.Close()
	a, err := ReadAnswer(f, t.Kiosk, t.Centre)
	if err != nil {
		return Settled{}, err
	}
	return a.Settle(ctx, box)
}
