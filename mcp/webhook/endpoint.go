package webhook

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL bounds an endpoint's URL, in bytes.
const maxURL = 2048

// endpoint is where deliveries go.
type endpoint struct {
	url string
	// host is name and port, where connections go and by which concurrency is limited.
	host string
}

// parseEndpoint checks an URL as far as that goes without asking anybody.
func parseEndpoint(text string, allowed addressPolicy) (endpoint, error) {
	const field = "delivery.url"
	if len(text) > maxURL {
		return endpoint{}, invalid(field, "has %d bytes; %d are the most", len(text), maxURL)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return endpoint{}, invalid(field, "has characters that do not belong in an URL; write names as punycode and the rest percent-encoded")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return endpoint{}, invalid(field, "is not an URL")
	case u.Scheme != "https":
		return endpoint{}, invalid(field, "must begin with https://")
	case u.Hostname() == "":
		return endpoint{}, invalid(field, "names no host")
	case u.User != nil:
		return endpoint{}, invalid(field, "must not hold a user or password; deliveries are authenticated by their signature")
	case strings.Contains(text, "#"):
		return endpoint{}, invalid(field, "must not have a fragment")
	}
	port := u.Port()
	if port == "" {
		port = "443"
		if strings.HasSuffix(u.Host, ":") {
			return endpoint{}, invalid(field, "has an empty port")
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return endpoint{}, invalid(field, "has no port that there is")
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !allowed.permits(addr) {
		refused := unreachable(ReasonRefused)
		refused.Message = field + " is not at a public address; the operator of the server can allow private ranges"
		return endpoint{}, refused
	}
	return endpoint{url: text, host: net.JoinHostPort(strings.ToLower(u.Hostname()), port)}, nil
}
