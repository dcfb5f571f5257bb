package document

import (
	"context"
	"image"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// The cut-out of a portrait around a face, in parts of the face's height: hair above,
// shoulders below, as a document shows it (ISO/IEC 39794-5 geometry, roughly).
const (
	portraitAside = .55
	portraitAbove = .45
	portraitBelow = .45
	jpegQuality   = 92
	smallestFace  = .04 // of the picture's height; smaller ones are print, or ghosts
)

// portrait makes the upright picture and cuts the portrait out of it. Only the document
// itself is searched: people behind it are not its holder.
func (r *Reader) portrait(ctx context.Context, p page, d *models.Document, shape *[4]vec, flat bool) error {
	turn := (d.Turn - p.turn + 360) % 360 // what img still needs
	var upright gocv.Mat
	var err error
	var search image.Rectangle
	switch {
	case flat:
		upright, err = rectify(p.img, *shape)
	default:
		upright, err = picture.Turn(p.img, turn)
	}
	if err != nil {
		return err
	}
	defer func() { upright.Close() }()
	search = image.Rect(0, 0, upright.Cols(), upright.Rows())
	if !flat && shape != nil {
		var q [4]vec
		for i, c := range *shape {
			q[i] = turnVec(c, p.img.Cols(), p.img.Rows(), turn)
		}
		if b := bounds(q, upright.Cols(), upright.Rows()); b.Dx() >= models.MinFrameSide && b.Dy() >= models.MinFrameSide {
			search = b
		}
	}
	if r.faces != nil {
		// Without a zone nobody knows which side is up; the face does.
		turns := []int{0}
		if !p.found() {
			turns = []int{0, 90, 180, 270}
		}
		for _, t := range turns {
			if err := ctx.Err(); err != nil {
				return err
			}
			way, err := picture.Turn(upright, t)
			if err != nil {
				return err
			}
			found, err := r.cutPortrait(ctx, way, search, t, d)
			if found && t != 0 {
				upright, way = way, upright
				d.Turn = (d.Turn + t) % 360
			}
			way.Close()
			if err != nil {
				return err
			}
			if found {
				break
			}
		}
	}
	d.Upright, err = picture.EncodeJPEG(upright, jpegQuality)
	return err
}

// cutPortrait finds the face in the part search of an upright picture (the whole of it
// when it was turned to try) and fills in the portrait.
func (r *Reader) cutPortrait(ctx context.Context, upright gocv.Mat, search image.Rectangle, turned int, d *models.Document) (bool, error) {
	if turned != 0 {
		search = image.Rect(0, 0, upright.Cols(), upright.Rows())
	}
	part := upright.Region(search)
	defer part.Close()
	own := part.Clone()
	defer own.Close()
	box, seen, err := r.faces.LocateFace(ctx, own)
	if err != nil || !seen {
		return false, err
	}
	w, h := float64(search.Dx()), float64(search.Dy())
	high := (box.Y2 - box.Y1) * h
	if high < smallestFace*h {
		return false, nil
	}
	cut := image.Rect(
		search.Min.X+int(box.X1*w-portraitAside*high), search.Min.Y+int(box.Y1*h-portraitAbove*high),
		search.Min.X+int(box.X2*w+portraitAside*high), search.Min.Y+int(box.Y2*h+portraitBelow*high),
	).Intersect(image.Rect(0, 0, upright.Cols(), upright.Rows()))
	if cut.Dx() < models.MinFrameSide || cut.Dy() < models.MinFrameSide {
		return false, nil
	}
	face, err := picture.Crop(upright, cut)
	if err != nil {
		return false, err
	}
	defer face.Close()
	closer, err := r.faces.FindFace(ctx, face)
	if err != nil {
		return false, err
	}
	if !closer.Found { // the wider view saw it; its measures stand, in the cut-out's own places
		f, err := r.faces.FindFace(ctx, own)
		if err != nil || !f.Found {
			return false, err
		}
		closer = f
		closer.Width, closer.Height = face.Cols(), face.Rows()
		move := func(x, y float64) (float64, float64) {
			return (float64(search.Min.X) + x*w - float64(cut.Min.X)) / float64(cut.Dx()),
				(float64(search.Min.Y) + y*h - float64(cut.Min.Y)) / float64(cut.Dy())
		}
		closer.Box.X1, closer.Box.Y1 = move(f.Box.X1, f.Box.Y1)
		closer.Box.X2, closer.Box.Y2 = move(f.Box.X2, f.Box.Y2)
		for i, pt := range f.Points {
			closer.Points[i].X, closer.Points[i].Y = move(pt.X, pt.Y)
		}
	}
	if d.Portrait, err = picture.EncodeJPEG(face, jpegQuality); err != nil {
		return false, err
	}
	d.PortraitFace = &closer
	W, H := float64(upright.Cols()), float64(upright.Rows())
	d.PortraitAt = &models.Box{X1: float64(cut.Min.X) / W, Y1: float64(cut.Min.Y) / H, X2: float64(cut.Max.X) / W, Y2: float64(cut.Max.Y) / H}
	return true, nil
}
