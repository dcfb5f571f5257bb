package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vestibule/server/blobs"
	"vestibule/server/ingest"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/courier"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/seal"
)

// courierImport takes in what was carried, and writes the acknowledgement that is
// carried back. It may run beside the centre.
func courierImport(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("FILE…")
	folder := fs.String("ack", "", "folder for the acknowledgements; left out, each lies beside its file")
	files, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(files) == 0 {
		_, _ = fmt.Fprintln(p.errs, "server courier import: give one file or more")
		return errUsage
	}
	if err := private700(*data); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	in, err := intake(*data, s, slog.New(slog.NewTextHandler(p.errs, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	centre, err := identity.LoadCentre(filepath.Join(*data, folderIdentity))
	if err != nil {
		return asFault(err, "identity_unusable", "the centre's certificate cannot be used", "restore "+folderIdentity+"/ from a backup")
	}
	clerk := courier.Clerk{Signer: centre.Signer(), Cert: centre.Cert.Raw, Now: time.Now, Random: rand.Reader}
	var problems []error
	for _, file := range files {
		if err := p.carry(ctx, s, in, clerk, file, *folder); err != nil {
			problems = append(problems, about(file, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(problems...)
}

// about names the file that an error is about.
func about(file string, err error) error {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return fault.New(f.Code, filepath.Base(file)+": "+f.Message, f.Hint, f.Err)
}

// intake makes the way into the centre without a centre that runs.
func intake(data string, s *store.Store, log *slog.Logger) (*ingest.Ingest, error) {
	v, err := vault.Load(filepath.Join(data, folderKeys))
	if err != nil {
		return nil, fault.New("keys_unusable", "the centre's own keys cannot be used", "restore "+folderKeys+"/ from a backup, and see to its permissions", err)
	}
	ring, err := seal.ReadKeyring(filepath.Join(data, folderSeal))
	if err != nil {
		return nil, fault.New("seal_unusable", "the seal keys cannot be used", "restore "+folderSeal+"/ from a backup, and see to its permissions", err)
	}
	shelf, err := blobs.Open(filepath.Join(data, folderBlobs))
	if err != nil {
		return nil, fault.New("data_unusable", "the folder for sealed pictures cannot be written", "check owner and free space", err)
	}
	return ingest.New(ingest.Config{Store: s, Blobs: shelf, Keys: ring, Vault: v, Now: time.Now, NewID: newID, Log: log}), nil
}

// carry takes one file in and answers it.
func (p *program) carry(ctx context.Context, s *store.Store, in *ingest.Ingest, clerk courier.Clerk, file, folder string) error {
	f, err := os.Open(file)
	if err != nil {
		return fault.New(courier.CodeUnreadable, "the courier file cannot be opened", "check the path, and that the medium is mounted", err)
	}
	defer f.Close()
	taken, err := courier.Take(ctx, f, link.Gate{Inbox: in, Keys: in.PublicKey})
	if err != nil {
		return err
	}
	now := time.Now()
	if err := s.Write(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, newID(), "command line", "courier import", taken.Header.Kiosk+" "+taken.Header.ID, now)
	}); err != nil {
		return fault.New(courier.CodeCentre, "the import could not be noted", "import the same file again: nothing is taken twice", err)
	}
	state := "taken"
	if taken.Refused != "" {
		state = "refused: " + taken.Refused
		_, _ = fmt.Fprintf(p.errs, "The records of %s do not continue what is here, and were not merged. The acknowledgement tells the kiosk to number them anew; then it exports again.\n", taken.Header.Kiosk)
	}
	answer := strings.TrimSuffix(file, courier.EndingRecords) + courier.EndingAnswer
	if folder != "" {
		answer = filepath.Join(folder, filepath.Base(answer))
	}
	if err := clerk.Answer(courier.System{}, answer, taken); err != nil {
		return fault.New("courier_answer", "everything of the file is here, but its acknowledgement could not be written",
			"import the same file again with -ack FOLDER: nothing is taken twice, and the kiosk keeps everything until it is answered", err)
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%s\t%d records up to %d\t%d pictures\t%d incomplete\t%s\n",
		taken.Header.Kiosk, state, taken.Records, taken.High, taken.Pictures, taken.Partial, answer)
	return nil
}
