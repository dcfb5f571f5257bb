package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	seals "filippo.io/age"

	"vestibule/server/backup"
	"vestibule/server/keep"
	"vestibule/sync/fault"
	"vestibule/sync/seal"
)

// exportCommand writes everything that is held of one person into an encrypted file.
func exportCommand(ctx context.Context, p *program, args []string) error {
	var out, why, who, to, passphrase *string
	k, err := p.keeping(ctx, args, func(fs *flag.FlagSet) {
		out = fs.String("out", "", "file to write, a ZIP encrypted in the format of age; it must not be there yet")
		why = fs.String("why", "", "reason: "+strings.Join(keep.ExportReasons(), ", "))
		who = fs.String("who", "command line", "who orders it, for the audit")
		to = fs.String("recipient", "", "public key of whoever may open it: age1…")
		passphrase = fs.String("passphrase-file", "", "or a file whose first line is the passphrase")
	})
	if err != nil {
		return err
	}
	defer k.store.Close()
	recipient, err := recipientOf(*to, *passphrase)
	if err != nil {
		return err
	}
	if *out == "" {
		return fault.New("export_nowhere", "no file to write is named", "add -out FILE.zip.age", nil)
	}
	if _, err := os.Lstat(*out); err == nil {
		return fault.New("export_exists", *out+" is there already", "give another name", nil)
	}
	ring, err := seal.ReadKeyring(filepath.Join(k.data, folderSeal))
	if err != nil {
		return fault.New("seal_unusable", "the seal keys cannot be used", "restore "+folderSeal+"/ from a backup, and see to its permissions", err)
	}
	found, err := k.submissions(ctx, k.Hash)
	if err != nil {
		return err
	}
	if _, err := writeWhole(*out, func(w io.Writer) (backup.Manifest, error) {
		return backup.Manifest{}, k.Export(ctx, w, ring, found, *who, *why, recipient)
	}); err != nil {
		return asFault(err, "export_failed", "the export could not be written", "check owner and free space; nothing half written is left")
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%d submissions\n", *out, len(found))
	return nil
}

// maxPassphrase bounds the file that a passphrase is in, in bytes; age's work to try one does not grow with it.
const maxPassphrase = 4 << 10

// recipientOf gives who may open an export.
func recipientOf(to, passphrase string) (seals.Recipient, error) {
	switch {
	case (to == "") == (passphrase == ""):
		return nil, fault.New("export_open", "an export is never written in the open", "give one of -recipient and -passphrase-file", nil)
	case to != "":
		r, err := seals.ParseX25519Recipient(to)
		if err != nil {
			return nil, fault.New("recipient_format", "the recipient is no public key of age", "it begins with age1; age-keygen -y prints it", err)
		}
		return r, nil
	}
	f, err := os.Open(passphrase)
	if err != nil {
		return nil, fault.New("passphrase_unreadable", "the passphrase cannot be read", "check path and owner", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPassphrase))
	if err != nil {
		return nil, fault.New("passphrase_unreadable", "the passphrase cannot be read", "check the medium", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimRight(line, "\r"); len(line) < 12 {
		return nil, fault.New("passphrase_short", "the passphrase is too short", "use 12 characters or more", nil)
	}
	r, err := seals.NewScryptRecipient(line)
	if err != nil {
		return nil, fault.New("passphrase_unusable", "the passphrase cannot be used", "", err)
	}
	return r, nil
}
