package mail

import (
	"bytes"
	"time"

	"vestibule/journey"
)

// Composed gives a message as it would be sent.
func Composed(to, language string, d journey.Decision, comment string) ([]byte, error) {
	l, err := result(language, d, comment, "ABCD-EFGH")
	if err != nil {
		return nil, err
	}
	m, err := compose(Envelope{ID: "one", From: Sender{"Registry", "no-reply@registry.example"}, To: to, At: time.Unix(1, 0), Letter: l})
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	_, err = m.WriteTo(&raw)
	return raw.Bytes(), err
}

// Words gives a language's sentences by their keys.
func Words(code string) map[string]string { return sentences(code) }
