package mail

import (
	"context"
	"fmt"
	"time"

	"vestibule/server/store"
)

// Operators are told of late reviews once an hour at most, and of a kiosk once for each
// of its streams.
const (
	watchEvery = time.Minute
	lateEvery  = time.Hour
	refusedFor = 24 * time.Hour // what is older is no news when a centre is given addresses
	mostKiosks = 50
)

// notice writes to operators, in English. Its lines hold no personal data.
func notice(kind string, said []string) (Letter, error) {
	l := letter{Language: Languages()[0], Body: said, Footer: "This message was written by the centre. The console shows more."}
	switch kind {
	case KindLate:
		l.Subject, l.Title = "Vestibule: reviews are late", "Submissions wait for review longer than agreed"
	case KindRefused:
		l.Subject, l.Title = "Vestibule: a kiosk's records are not merged", "A kiosk's records are no longer merged"
	default:
		l.Subject, l.Title = "Vestibule: a test message", "A test message"
	}
	return l.write()
}

// Test is a letter that shows that letters arrive.
func Test() (Letter, error) {
	return notice("", []string{"The centre can send mail through this server."})
}

func (p *Post) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if err := p.Watch(ctx); err != nil && ctx.Err() == nil {
			p.c.Log.ErrorContext(ctx, "cannot tell the operators", "code", "database", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Watch queues what operators should know by now and were not told.
func (p *Post) Watch(ctx context.Context) error {
	now, r := p.c.Now(), p.c.Store.Read()
	last, err := r.NewestMail(ctx, KindLate)
	if err != nil {
		return fmt.Errorf("find the last notice: %w", err)
	}
	if now.Sub(last) >= lateEvery {
		fresh, all, err := r.ReviewsLateSince(ctx, last, now)
		if err != nil {
			return fmt.Errorf("count late reviews: %w", err)
		}
		if fresh > 0 {
			if err := p.tell(ctx, KindLate, []string{
				fmt.Sprintf("%d submissions have become late since the last notice; %d are late in all.", fresh, all), "The review queue of the console shows them.",
			}, now, last.Format(time.RFC3339Nano)); err != nil {
				return err
			}
		}
	}
	refused, err := r.RefusalsSince(ctx, now.Add(-refusedFor), mostKiosks)
	if err != nil {
		return fmt.Errorf("look for refused kiosks: %w", err)
	}
	for _, one := range refused {
		if err := p.tell(ctx, KindRefused, []string{
			fmt.Sprintf("Kiosk %s: %s.", one.Kiosk, one.Code),
			"Its database was restored or copied, or a record was altered. What it sends is kept apart. Look into it, then enrol the kiosk anew.",
		}, now, one.Kiosk, one.Epoch, one.Code); err != nil {
			return err
		}
	}
	return nil
}

// tell queues a notice to every operator, once for what it is about.
func (p *Post) tell(ctx context.Context, kind string, said []string, now time.Time, about ...string) error {
	return p.c.Store.Write(ctx, func(tx *store.Tx) error {
		for _, to := range p.c.Operators {
			if _, err := add(ctx, tx, p.c.Vault, p.c.NewID(), store.Mail{Kind: kind, Once: once(p.c.Vault, to, append([]string{kind}, about...)...)},
				content{To: to, Lines: said}, now); err != nil {
				return err
			}
		}
		return nil
	})
}
