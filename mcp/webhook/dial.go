package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// connectTime is how long one of several addresses may take to accept a connection.
const connectTime = 4 * time.Second

// Resolver finds the addresses of a name, as [net.Resolver] does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// errTLS marks a connection on which no TLS could be agreed.
var errTLS = errors.New("no TLS connection")

// dialer connects to endpoints. It resolves a name itself and connects to the addresses that it checked, so that they
// cannot change in between.
type dialer struct {
	resolver Resolver
	policy   addressPolicy
	roots    *x509.CertPool
	sessions tls.ClientSessionCache
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// transport returns the way to endpoints. Each request has a connection of its own: one that was kept would have been
// checked for an earlier request only. There is no proxy, as that would do the resolving.
func (d *dialer) transport() *http.Transport {
	return &http.Transport{
		DialTLSContext:         d.dialTLS,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 16 << 10,
	}
}

func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conn, err := d.connect(ctx, network, host, port)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(conn, &tls.Config{
		ServerName: strings.TrimSuffix(host, "."), RootCAs: d.roots, ClientSessionCache: d.sessions,
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w", errTLS, err)
	}
	return hastyConn{secured, conn}, nil
}

// hastyConn is a TLS connection that is closed without the farewell of TLS, for which a peer that does not read could
// make the closing wait. The answer is complete by then, or not wanted.
type hastyConn struct {
	*tls.Conn
	raw net.Conn
}

// Close closes the connection beneath.
func (c hastyConn) Close() error { return c.raw.Close() }

// connect tries the host's addresses one after the other.
func (d *dialer) connect(ctx context.Context, network, host, port string) (net.Conn, error) {
	addresses, err := d.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var failures error
	for _, addr := range addresses {
		limited, cancel := context.WithTimeout(ctx, connectTime)
		conn, err := d.dial(limited, network, net.JoinHostPort(addr.String(), port))
		cancel()
		if err == nil {
			return conn, nil
		}
		failures = errors.Join(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failures
}

// addresses returns the host's addresses if all may be connected to. A name with both public and other addresses is
// no honest endpoint.
func (d *dialer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	found := []netip.Addr{}
	if literal, err := netip.ParseAddr(host); err == nil {
		found = append(found, literal)
	} else if found, err = d.resolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, fmt.Errorf("resolve the endpoint: %w", err)
	}
	if len(found) == 0 {
		return nil, errors.New("the endpoint's name has no address")
	}
	for i, addr := range found {
		if !d.policy.permits(addr) {
			return nil, fmt.Errorf("the endpoint is at %s, which is not public and not allowed", addr)
		}
		found[i] = addr.Unmap()
	}
	return found, nil
}
