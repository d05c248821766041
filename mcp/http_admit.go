package mcp

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// admit decides whether a request is served, and whose it is. What is not has been answered.
//
// A page in a browser on this machine can send requests to the loopback interface, and, by a host name of its own that
// resolves there (DNS rebinding), read the answers. Its name then is in Host, or in Origin.
func (t *httpTransport) admit(w http.ResponseWriter, r *http.Request) (principal string, ok bool) {
	host := hostName(r.Host)
	local := cameByLoopback(r)
	if local && !t.known(host) {
		refuse(w, http.StatusForbidden, nil, fmt.Sprintf("the Host header names %q, which is not this machine's loopback interface; "+
			"behind a reverse proxy, allow its name with --allow-host", clip(r.Host, 100)))
		return "", false
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		from := originName(origin)
		if !t.known(from) && (local || from == "" || from != host) {
			refuse(w, http.StatusForbidden, nil, fmt.Sprintf("requests of web pages from %q are not served", clip(origin, 100)))
			return "", false
		}
	}
	if t.opts.Tokens == nil {
		return "", true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		if principal, ok = t.opts.Tokens.principal(strings.TrimSpace(token)); ok {
			return principal, true
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="lark-events-mcp", error="invalid_token"`)
		refuse(w, http.StatusUnauthorized, nil, "the token is not one of those in the server's --auth-tokens file")
		return "", false
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="lark-events-mcp"`)
	refuse(w, http.StatusUnauthorized, nil, "a token is needed: send the header Authorization: Bearer TOKEN")
	return "", false
}

// known reports whether a host name is the loopback interface's, or one that is allowed.
func (t *httpTransport) known(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsLoopback() {
		return true
	}
	return host == "localhost" || slices.ContainsFunc(t.opts.AllowedHosts, func(allowed string) bool {
		return hostName(allowed) == host && host != ""
	})
}

// cameByLoopback reports whether the connection ends on the loopback interface; a kind of connection that does not say
// counts as such.
func cameByLoopback(r *http.Request) bool {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if _, isTCP := addr.(*net.TCPAddr); !isTCP {
		return true
	}
	return isLoopback(addr)
}

// hostName returns the name in a Host header, lower case, without the port and the brackets of IPv6.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// originName returns the host name in an Origin header, empty if there is none.
func originName(origin string) string {
	parsed, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return strings.ToLower(parsed.Hostname())
}
