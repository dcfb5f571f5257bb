package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vestibule/sync/fault"
)

// MaxInvitation bounds an invitation's text, bytes: the longest host name (RFC 1035, 253) and a token fit.
const MaxInvitation = 330

// The parts that an invitation's text begins with. A reader of version 1 refuses every other version.
const (
	invitationName    = "VESTIBULE"
	invitationVersion = "1"
)

// Invitation is all that a kiosk needs to enrol: where, and with which token, which pins the centre's authority.
//
// Its text is what the centre shows as a QR code:
//
//	VESTIBULE:1:TOKEN:HOST:PORT
//
// TOKEN is the token without dashes, HOST a name or an address, in brackets where it is one of IPv6. Everything is
// written in capitals, because a QR code holds those, digits and colons in the fewest modules (ISO/IEC 18004, 7.3.4);
// it is read in small letters too.
type Invitation struct {
	Address string // host:port, as CheckAddress gives it
	Token   Token
}

// String writes the invitation as its QR code holds it.
func (i Invitation) String() string {
	token := strings.ReplaceAll(i.Token.String(), "-", "")
	return strings.ToUpper(strings.Join([]string{invitationName, invitationVersion, token, i.Address}, ":"))
}

// ParseInvitation reads an invitation's text, as a camera or a hand scanner gives it.
func ParseInvitation(text string) (Invitation, error) {
	other := func() (Invitation, error) {
		return Invitation{}, fault.New("invitation_malformed", "this is no code of an enrolment", "show the one that `server kiosk add` or the console's page of kiosks shows", nil)
	}
	if len(text) > MaxInvitation {
		return other()
	}
	parts := strings.SplitN(strings.TrimSpace(text), ":", 4)
	if len(parts) < 2 || !strings.EqualFold(parts[0], invitationName) {
		return other()
	}
	if parts[1] != invitationVersion {
		return Invitation{}, fault.New("invitation_version", "this code is of another release", "bring the kiosk's program up to date", nil)
	}
	if len(parts) != 4 {
		return other()
	}
	t, err := ParseToken(parts[2])
	if err != nil {
		return other()
	}
	address, err := CheckAddress(parts[3])
	if err != nil {
		return other()
	}
	return Invitation{Address: address, Token: t}, nil
}

// CheckAddress reads the host:port at which a centre takes enrolments as people type it, and gives it in small letters.
func CheckAddress(typed string) (string, error) {
	wrong := func(err error) (string, error) {
		return "", fault.New("enrolment_address", "the centre's address is not host:port", "give it as centre.example.org:8443", err)
	}
	typed = strings.ToLower(strings.TrimSpace(typed))
	if len(typed) > 253+1+5+2 {
		return wrong(nil)
	}
	host, port, err := net.SplitHostPort(typed)
	if err != nil {
		return wrong(err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return wrong(err)
	}
	if ip := net.ParseIP(host); ip == nil && !isHost(host) {
		return wrong(nil)
	}
	return net.JoinHostPort(host, port), nil
}

// isHost tells a name by its characters: letters, digits, dashes and dots, as RFC 1123 section 2.1 has them, and the
// underscore that inner networks use.
func isHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// filePending holds the invitation of an enrolment that is not over, with the mode of a key.
const filePending = "enrolment.pending"

// Keep lays the invitation beside the key that it is for, so that an enrolment goes on after a power cut. It takes
// the place of the one before.
func (i Invitation) Keep(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep invitation: %w", err)
	}
	return replace(filepath.Join(dir, filePending), []byte(i.String()+"\n"))
}

// Kept gives the invitation that Keep laid into dir; false if there is none, or none that can be read.
func Kept(dir string) (Invitation, bool) {
	text, err := readFile(filepath.Join(dir, filePending), true)
	if err != nil {
		return Invitation{}, false
	}
	i, err := ParseInvitation(string(text))
	return i, err == nil
}

// Forget takes the kept invitation away.
func Forget(dir string) error {
	if err := os.Remove(filepath.Join(dir, filePending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget invitation: %w", err)
	}
	return nil
}

// Enrolled reports whether dir holds an identity, whole or damaged: kiosk.json is what an enrolment writes last.
func Enrolled(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, fileKioskJSON))
	return err == nil
}
