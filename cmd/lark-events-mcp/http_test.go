//go:build unix

package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// webAgent speaks to a server over Streamable HTTP.
type webAgent struct {
	t              *testing.T
	client         *http.Client
	url            string
	token, session string
}

// serveHTTP starts the server and returns it with an agent, once clients can connect.
func (w *world) serveHTTP(args ...string) (*process, *webAgent) {
	w.t.Helper()
	p := w.start(append([]string{"serve", "--http", "127.0.0.1:0"}, args...)...)
	url := ""
	eventually(w.t, "the ready line", func() bool {
		for line := range strings.Lines(p.stderr.String()) {
			// With gctrace the runtime writes to stderr as well, and a line of its may begin before this one.
			if _, rest, ok := strings.Cut(line, "ready url="); ok && strings.HasSuffix(rest, "\n") {
				url = strings.TrimSpace(rest)
			}
		}
		return url != ""
	})
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	w.t.Cleanup(transport.CloseIdleConnections)
	return p, &webAgent{t: w.t, client: &http.Client{Transport: transport}, url: url}
}

// post sends a message, which must be answered.
func (a *webAgent) post(message string) (*http.Response, string) {
	a.t.Helper()
	response, text, err := a.try(message)
	if err != nil {
		a.t.Fatal(err)
	}
	return response, text
}

func (a *webAgent) try(message string) (*http.Response, string, error) {
	request, err := http.NewRequestWithContext(within(a.t), "POST", a.url, strings.NewReader(message))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.session != "" {
		request.Header.Set("Mcp-Session-Id", a.session)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response, string(text), err
}

func (a *webAgent) initialize() {
	a.t.Helper()
	response, text := a.post(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},` +
		`"clientInfo":{"name":"test","version":"1"}}}`)
	if a.session = response.Header.Get("Mcp-Session-Id"); a.session == "" {
		a.t.Fatalf("initialize: %s %s", response.Status, text)
	}
}

func toolMessage(tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments)
}

// call calls a tool and returns its structured content.
func (a *webAgent) call(tool, arguments string) string {
	a.t.Helper()
	_, text := a.post(toolMessage(tool, arguments))
	answer := decode[struct {
		Result struct {
			StructuredContent json.RawMessage `json:"structuredContent"`
		} `json:"result"`
	}](a.t, text)
	return string(answer.Result.StructuredContent)
}

func TestAgentsListenOverHTTP(t *testing.T) {
	w := newWorld(t)
	p, a := w.serveHTTP()
	a.initialize()
	a.call("subscribe_event", `{"key":"`+messageKey+`"}`)
	w.awaitConsumers(1)
	eventually(t, "the connection to the platform", func() bool { return w.status().Source.Phase == "connected" })
	w.send("hello over HTTP")
	if page := a.call("poll_events", `{"wait_seconds":50}`); !strings.Contains(page, "hello over HTTP") {
		t.Errorf("polled %s", page)
	}
	polled := make(chan error, 1)
	go func() {
		_, _, err := a.try(toolMessage("poll_events", `{"wait_seconds":50}`))
		polled <- err
	}()
	code := 0
	if elapsed := took(func() { p.signal(syscall.SIGTERM); code = p.wait() }); elapsed > endPromise+endMargin {
		t.Errorf("the server took %v to end", elapsed)
	}
	if code != 0 {
		t.Errorf("it ended with %d: %s", code, p.stderr)
	}
	select {
	case <-polled: // with an answer, or without a server, if the signal was faster
	case <-time.After(soon):
		t.Error("the poll did not end with the server")
	}
	w.awaitConsumers(0)
}

func TestHTTPServersThatDoNotStart(t *testing.T) {
	w := newWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	readable := writeFile(t, "readable", "alice "+strings.Repeat("0", 64)+"\n")
	if err := os.Chmod(readable, 0o644); err != nil {
		t.Fatal(err)
	}
	bad := writeFile(t, "bad", "alice\n")
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"an empty address":       {[]string{"--http", ""}, 2, "--http names no address"},
		"open to all":            {[]string{"--http", ":0"}, 3, "--auth-tokens"},
		"open to the network":    {[]string{"--http", "0.0.0.0:0"}, 3, "--auth-tokens"},
		"other names":            {[]string{"--http", "127.0.0.1:0", "--allow-host", "lark.example"}, 3, "--auth-tokens"},
		"no token file":          {[]string{"--http", ":0", "--auth-tokens", "/nonexistent/tokens"}, 3, "/nonexistent/tokens"},
		"a readable token file":  {[]string{"--http", ":0", "--auth-tokens", readable}, 3, "chmod 600"},
		"a bad token file":       {[]string{"--http", ":0", "--auth-tokens", bad}, 3, "line 1"},
		"no certificate":         {[]string{"--http", "127.0.0.1:0", "--tls-cert", bad, "--tls-key", bad}, 3, "--tls-cert"},
		"a certificate, no key":  {[]string{"--http", "127.0.0.1:0", "--tls-cert", bad}, 2, "--tls-key"},
		"no address":             {[]string{"--http", "here"}, 2, "127.0.0.1:8080"},
		"flags of HTTP on stdio": {[]string{"--auth-tokens", bad}, 2, "--http"},
		"webhooks for nobody":    {[]string{"--http", "127.0.0.1:0", "--webhook-private", "10.1.0.0/16"}, 2, "--auth-tokens"},
		"webhooks to no network": {[]string{"--http", ":0", "--auth-tokens", bad, "--webhook-private", "intranet"}, 2, "--webhook-private"},
		"address in use":         {[]string{"--http", taken.Addr().String()}, 1, taken.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			p, code := w.run(append([]string{"serve"}, test.args...)...)
			if said := p.stderr.String(); code != test.code || !strings.Contains(said, test.says) || strings.Contains(said, "ready url") {
				t.Errorf("ended with %d, want %d, and said %q", code, test.code, said)
			}
		})
	}
}

func TestHTTPServerWithTokensAndTLS(t *testing.T) {
	w := newWorld(t)
	const token = "aTokenThatIsNeverShown0123456789"
	w.secrets = append(w.secrets, token)
	tokens := writeFile(t, "tokens", fmt.Sprintf("# agents\nalice %x\n", sha256.Sum256([]byte(token))))
	cert, key := certificate(t)
	p, a := w.serveHTTP("--auth-tokens", tokens, "--tls-cert", cert, "--tls-key", key, "--demo", "--log-level", "debug")
	if !strings.HasPrefix(a.url, "https://127.0.0.1:") || !strings.HasSuffix(a.url, "/mcp") {
		t.Errorf("it is ready at %s", a.url)
	}
	if response, text := a.post(`{}`); response.StatusCode != http.StatusUnauthorized || !strings.Contains(text, "Bearer") {
		t.Errorf("without a token: %s %s", response.Status, text)
	}
	a.token = token
	a.initialize()
	a.call("subscribe_event", `{"key":"`+messageKey+`","from":"earliest"}`)
	if page := a.call("poll_events", `{"wait_seconds":50}`); !strings.Contains(page, messageKey) {
		t.Errorf("polled %s", page)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	old := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}
	if conn, err := old.DialContext(ctx, "tcp", strings.TrimSuffix(strings.TrimPrefix(a.url, "https://"), "/mcp")); err == nil {
		conn.Close()
		t.Error("it speaks TLS 1.1")
	}
	p.signal(os.Interrupt)
	if code := p.wait(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

// writeFile writes a file that only its owner can read, and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate makes a certificate for this machine.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "cert", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		writeFile(t, "key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: privateDER})))
}
