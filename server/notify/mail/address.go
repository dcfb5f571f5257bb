package mail

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
)

// Bounds of an address (RFC 5321, 4.5.3.1) and of the name beside it.
const (
	maxAddress = 254
	maxLocal   = 64
	maxName    = 100
)

// ErrAddress is wrapped where an address cannot be written to. What it was is not said.
var ErrAddress = errors.New("no address that can be written to")

// CheckAddress tells whether text is one plain address, such as a@b.example: no name, no
// list, no route, no quotes, nothing that could end a header's line.
func CheckAddress(text string) error {
	if len(text) > maxAddress || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar || strings.ContainsRune(`"<>()[]\,;:`, r)
	}) {
		return ErrAddress
	}
	one, err := mail.ParseAddress(text)
	if err != nil || one.Name != "" || one.Address != text {
		return ErrAddress
	}
	local, domain, _ := strings.Cut(text, "@")
	if local == "" || len(local) > maxLocal || strings.HasPrefix(local, "-") || domain == "" || strings.Contains(domain, "@") {
		return ErrAddress
	}
	return nil
}

// Sender is who letters come from.
type Sender struct {
	Name    string // may be empty
	Address string
}

// ParseSender reads "Name <address>", or an address alone.
func ParseSender(text string) (Sender, error) {
	one, err := mail.ParseAddress(text)
	if err != nil {
		return Sender{}, fmt.Errorf("read the sender: %w", ErrAddress)
	}
	if err := CheckAddress(one.Address); err != nil {
		return Sender{}, err
	}
	if len(one.Name) > maxName || strings.ContainsFunc(one.Name, unicode.IsControl) {
		return Sender{}, fmt.Errorf("the sender's name is too long or no text: %w", ErrAddress)
	}
	return Sender{one.Name, one.Address}, nil
}

// domain is the part behind the @.
func (s Sender) domain() string {
	_, domain, _ := strings.Cut(s.Address, "@")
	return domain
}
