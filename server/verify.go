package main

import (
	"context"
	"errors"
	"fmt"

	"vestibule/server/ingest"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// verifyCommand proves one journey, or the audit trail, and fails when it cannot.
func verifyCommand(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	id := fs.String("journey", "", "the journey's id")
	trail := fs.Bool("audit", false, "prove the audit trail instead")
	var noted notedHeads
	fs.Func("head", "N:HASH, a head of the audit trail that was noted earlier and that it must lead to; may be given several times", noted.add)
	log := fs.String("heads", "", "log of serve, or any file of JSON lines: the audit trail must lead to every head in it that this operator's centre signed")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	if (*id == "") == !*trail || !*trail && (len(noted) > 0 || *log != "") {
		_, _ = fmt.Fprintln(p.errs, "server verify: give -journey ID, or -audit with or without heads")
		fs.Usage()
		return errUsage
	}
	if *trail {
		return p.verifyAudit(ctx, *data, *db, noted, *log)
	}
	s, keys, err := openArchive(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	proof, err := ingest.Verify(ctx, s.Read(), keys, *id)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("journey_unknown", "no kiosk has told of a journey with this id", "the console's address of a journey ends in it", nil)
	}
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	_, _ = fmt.Fprintf(p.out, "kiosk\t%s\nevents\t%d\n", proof.Kiosk, proof.Events)
	for _, one := range proof.Streams {
		_, _ = fmt.Fprintf(p.out, "epoch %s\t%d records chained, %d signed heads met, %d of this journey\n", one.Epoch, one.Records, one.Heads, one.Of)
		if one.Erased > 0 {
			_, _ = fmt.Fprintf(p.out, "epoch %s\t%d records of erased people, proven without their content\n", one.Epoch, one.Erased)
		}
	}
	if len(proof.Faults) == 0 {
		_, _ = fmt.Fprintln(p.out, "proven")
		return nil
	}
	for _, f := range proof.Faults {
		_, _ = fmt.Fprintf(p.out, "FAULT\t%s\n", f)
	}
	return fault.New("journey_not_proven", fmt.Sprintf("%d things do not hold", len(proof.Faults)), "compare with a backup: something was changed at the centre, or a kiosk's stream was refused", nil)
}
