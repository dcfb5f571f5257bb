package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrAddress is wrapped when an endpoint's address must not be called.
var ErrAddress = errors.New("address not allowed")

// Bounds of one attempt. Starting values, unmeasured.
const (
	attemptLimit = 15 * time.Second
	dialLimit    = 5 * time.Second
	headerLimit  = 16 << 10
	answerLimit  = 4 << 10 // bytes read of an answer's body; the rest is cut off
)

// closed are the ranges beyond those that netip names, after IANA's registries of
// special-purpose addresses: shared, benchmarking, protocol, reserved, and the IPv6
// ranges that carry an IPv4 address inside.
func closed() []netip.Prefix {
	var all []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
		"2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// allowed reports whether an address may be called.
func allowed(addr netip.Addr, allow []netip.Prefix) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range allow {
		if p.Contains(addr) {
			return true
		}
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range closed() {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// CheckURL tells whether a URL may be an endpoint: https, or http at a loopback
// address that is allowed. What its name resolves to is judged when it is dialed.
func CheckURL(raw string, allow []netip.Prefix) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(raw) > 2048 {
		return fmt.Errorf("not a plain URL: %w", ErrAddress)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	if literal && !allowed(addr, allow) {
		return ErrAddress
	}
	if u.Scheme == "https" || u.Scheme == "http" && literal && addr.IsLoopback() {
		return nil
	}
	return fmt.Errorf("not https: %w", ErrAddress)
}

// client makes the HTTP client. Every address is checked after it was resolved and
// before it is connected to, so a name that resolves differently the second time gains nothing.
func client(allow []netip.Prefix, roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: dialLimit, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !allowed(at.Addr(), allow) {
			return ErrAddress
		}
		return nil
	}}
	return &http.Client{
		Timeout: attemptLimit,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: dialLimit, MaxResponseHeaderBytes: headerLimit, DisableKeepAlives: true, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
