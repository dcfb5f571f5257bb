package document

import (
	"context"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// ReadText reads every line of print of one side of a document in its upright picture.
func (r *Reader) ReadText(ctx context.Context, bgr []gocv.Mat) (models.Text, error) {
	return models.Text{}, ctx.Err()
}
