// Package genuine tells a document from a picture of one.
package genuine

import (
	"context"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/document"
)

// Examiner looks for signs of a presentation attack on a document.
type Examiner struct {
	documents *document.Reader
	faces     document.FaceFinder
}

// New makes an examiner that finds documents and portraits with the given readers.
func New(documents *document.Reader, faces document.FaceFinder) *Examiner {
	return &Examiner{documents: documents, faces: faces}
}

// Examine looks at one or more pictures (BGR) of the same side of a document.
func (e *Examiner) Examine(ctx context.Context, bgr []gocv.Mat) (models.Genuineness, error) {
	return models.Genuineness{}, ctx.Err()
}
