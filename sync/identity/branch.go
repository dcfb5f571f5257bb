package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

// A branch is several kiosks behind one box, which carries their frames to the centre. Its certificates are called
// after it with a dot, which no kiosk's name holds: neither can be taken for the other.
const (
	branchPrefix = "branch."
	viewerPrefix = "viewer."
)

// Names of the files of a branch's box and of its view, besides ca.pem.
const (
	fileBranch     = "branch.pem"
	fileBranchKey  = "branch.key"
	fileViewer     = "viewer.pem"
	fileViewerKey  = "viewer.key"
	fileViewerJSON = "viewer.json"
)

// CheckBranch says whether a branch may be called so.
func CheckBranch(branch string) error {
	// The name is a topic level and, behind a prefix, a common name of 64 characters at most.
	if err := wire.CheckName(branch); err != nil || len(branch) > 48 {
		return fault.New("branch_name", "a branch cannot be called so", "take 1 to 48 letters, digits, '-' or '_', and begin with a letter or a digit", err)
	}
	return nil
}

// BranchName is the common name of a branch's box, and one of its DNS names.
func BranchName(branch string) string { return branchPrefix + branch }

// ViewerName is the common name of a branch's view.
func ViewerName(branch string) string { return viewerPrefix + branch }

// BranchOf gives the branch whose box has this common name.
func BranchOf(name string) (string, bool) {
	branch, ok := strings.CutPrefix(name, branchPrefix)
	return branch, ok && CheckBranch(branch) == nil
}

// WriteBranch certifies a branch's box and writes branch.pem, branch.key and ca.pem into dir. A key that is there
// stays and is certified anew. hosts are the names and addresses under which the branch's kiosks dial the box. The
// certificate serves the branch's kiosks under its own name, never under the centre's.
func WriteBranch(dir string, ca *CA, branch string, hosts []string, now time.Time) error {
	t := &x509.Certificate{
		Subject:     pkix.Name{CommonName: BranchName(branch)},
		NotAfter:    now.Add(CentreValidity),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{BranchName(branch)},
	}
	for _, h := range hosts {
		switch ip := net.ParseIP(h); {
		case ip != nil:
			t.IPAddresses = append(t.IPAddresses, ip)
		case strings.EqualFold(h, CentreName):
			return fault.New("branch_host", "a branch's box cannot be called like the centre", "give the box's own names and addresses", nil)
		case h != "":
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return ca.writeParty(dir, branch, t, fileBranch, fileBranchKey, now)
}

// ViewerInfo is viewer.json: what the view of a branch is told.
type ViewerInfo struct {
	Branch string   `json:"branch"`
	Broker string   `json:"broker"` // host:port of the branch's box
	Kiosks []string `json:"kiosks"` // those of the branch, so that one that never spoke is missed
}

// WriteViewer certifies a branch's view and writes viewer.pem, viewer.key, viewer.json and ca.pem into dir. A key
// that is there stays.
func WriteViewer(dir string, ca *CA, info ViewerInfo, now time.Time) error {
	t := &x509.Certificate{
		Subject:     pkix.Name{CommonName: ViewerName(info.Branch)},
		NotAfter:    now.Add(CentreValidity),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if err := ca.writeParty(dir, info.Branch, t, fileViewer, fileViewerKey, now); err != nil {
		return err
	}
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return fmt.Errorf("write viewer: %w", err)
	}
	return renew(filepath.Join(dir, fileViewerJSON), append(text, '\n'))
}

// writeParty writes the certificate of a branch's box or view.
func (ca *CA) writeParty(dir, branch string, t *x509.Certificate, certFile, keyFile string, now time.Time) error {
	if err := CheckBranch(branch); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.New("out_unusable", "the folder cannot be made", "check the path and its owner", err)
	}
	key, err := readKey(filepath.Join(dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
			err = writeKey(filepath.Join(dir, keyFile), key)
		}
	}
	if err != nil {
		return err
	}
	cert, err := ca.certify(t, &key.PublicKey, now)
	if err != nil {
		return err
	}
	for name, c := range map[string]*x509.Certificate{certFile: cert, fileCA: ca.Cert} {
		if err := renew(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: c.Raw})); err != nil {
			return err
		}
	}
	return nil
}

// renew puts a file in another one's place; one that says the same stays.
func renew(path string, b []byte) error {
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, b) {
		return nil
	}
	return replace(path, b)
}

// Viewer is the identity of a branch's view, loaded.
type Viewer struct {
	ViewerInfo
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ca   *x509.Certificate
}

// LoadViewer reads what WriteViewer wrote.
func LoadViewer(dir string) (*Viewer, error) {
	text, err := readFile(filepath.Join(dir, fileViewerJSON), false)
	if err != nil {
		return nil, err
	}
	v := &Viewer{}
	if err := json.Unmarshal(text, &v.ViewerInfo); err != nil {
		return nil, malformed(fileViewerJSON, err)
	}
	if err := CheckBranch(v.Branch); err != nil {
		return nil, err
	}
	if v.ca, err = readCert(filepath.Join(dir, fileCA)); err != nil {
		return nil, err
	}
	if v.cert, err = readCert(filepath.Join(dir, fileViewer)); err != nil {
		return nil, err
	}
	if v.key, err = readKey(filepath.Join(dir, fileViewerKey)); err != nil {
		return nil, err
	}
	if !v.key.PublicKey.Equal(v.cert.PublicKey) || v.cert.CheckSignatureFrom(v.ca) != nil || v.Name() != ViewerName(v.Branch) {
		return nil, fault.New("identity_mismatch", "ca.pem, viewer.pem, viewer.key and viewer.json do not belong together", "take all of them from one run of: server broker bridge", nil)
	}
	return v, nil
}

// Name is the view's common name.
func (v *Viewer) Name() string { return v.cert.Subject.CommonName }

// TLS is the view's side of its link to the branch's box.
func (v *Viewer) TLS(now func() time.Time) *tls.Config {
	return clientTLS(v.ca, BranchName(v.Branch), v.cert, v.key, now)
}

// Kiosk says whether a certificate is one that our operator's authority gave a kiosk. Its time is not asked: a branch
// may be without a line for longer than a certificate lasts, and what is shown here decides nothing.
func (v *Viewer) Kiosk(c *x509.Certificate) error {
	if !(&CA{Cert: v.ca}).Issued(c) || CheckKioskName(c.Subject.CommonName) != nil {
		return fault.New("identity_unverified", "the certificate is no kiosk's of our authority", "enrol the kiosk", nil)
	}
	return nil
}
