// Package endpoint checks addresses that the environment or the pipeline file
// sets, before credentials are sent there.
package endpoint

import (
	"fmt"
	"net/netip"
	"net/url"
)

// Check refuses an address that would send credentials in clear text: plain
// http is for loopback alone. name says where the address was set.
func Check(name, raw string) (*url.URL, error) {
	u, err := Parse(name, raw)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return u, nil
	}
	if u.Scheme == "http" {
		return nil, fmt.Errorf("%s: http://%s would send credentials unencrypted; use https, plain http is for loopback alone", name, u.Host)
	}
	return nil, fmt.Errorf("%s: scheme %q; use https, or http on loopback", name, u.Scheme)
}

// Parse is Check without its rule about plain http: for services that have no
// secrets worth keeping, such as act's on the machine's own address.
func Parse(name, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%s is not a URL with a host; give one such as https://host or http://127.0.0.1:PORT", name)
	}
	if u.User != nil {
		return nil, fmt.Errorf("%s: the URL for %s has a user or password in it; remove it", name, u.Host)
	}
	return u, nil
}

// signatureLength is shorter than every signature, and longer than what else a
// signed address says: times, permissions, versions.
const signatureLength = 32

// Signatures are the parts of a signed address that grant access by themselves:
// the signature has another name at each storage, so all long values count.
func Signatures(signed *url.URL) []string {
	var found []string
	for _, values := range signed.Query() {
		for _, value := range values {
			if len(value) >= signatureLength {
				found = append(found, value)
			}
		}
	}
	return found
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
