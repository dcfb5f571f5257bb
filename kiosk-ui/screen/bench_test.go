package screen

import (
	"testing"
)

// BenchmarkCompose measures how long a touch waits for its next screen, drawing
// by the window not included.
func BenchmarkCompose(b *testing.B) {
	for _, name := range []string{"attract", "language", "document-again", "review", "selfie", "result"} {
		b.Run(name, func(b *testing.B) {
			u, _, c := stand(b, 1080, 1920, "en")
			s := scenes(c.now())[name]
			s.Language = "en"
			u.Apply(s)
			for b.Loop() {
				u.compose()
			}
		})
	}
}

// BenchmarkPreview measures the preparation of one live picture of 640×480.
func BenchmarkPreview(b *testing.B) {
	u, _, c := stand(b, 1080, 1920, "en")
	s := scenes(c.now())["selfie"]
	u.Apply(s)
	img := scenery()
	for b.Loop() {
		u.live.camera.Prepare(img)
	}
}
