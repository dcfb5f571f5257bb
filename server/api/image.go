package api

import (
	"context"
	"errors"
	"net/http"

	"vestibule/server/store"
	"vestibule/sync/wire"
)

// imageLink is where a picture can be had: a path below this API, made of two
// random ids, so that it says nothing about the person.
func imageLink(submission, evidence string) string { return "/image/" + submission + "/" + evidence }

// image answers with one picture. What is not there, not there yet, and not this
// key's to see is told alike, before anything is opened. Whoever sees a picture is
// noted first: without the note there is no picture.
func (s server) image(ctx context.Context, c call) (any, error) {
	row, err := s.visible(ctx, c.key, c.path("submission"))
	if err != nil {
		return nil, err
	}
	e, err := s.Store.EvidenceOf(ctx, row.ID, c.path("evidence"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, errHidden()
	}
	if err != nil {
		return nil, err
	}
	plain, err := s.Private.Picture(row, e)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errHidden()
	}
	if err != nil {
		return nil, err
	}
	if len(plain) == 0 || len(plain) > wire.MaxBlob {
		return nil, errors.New("a picture out of bounds")
	}
	// A kiosk sends JPEG. Anything else is not handed to a browser, whatever it calls itself.
	media := http.DetectContentType(plain)
	if media != "image/jpeg" && media != "image/png" {
		return nil, errors.New("evidence that is no picture")
	}
	if err := s.Audit(ctx, "api key "+c.key.ID, "image read", row.ID+" "+e.ID); err != nil {
		return nil, err
	}
	return file{media, plain}, nil
}
