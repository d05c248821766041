package mcp

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

func TestHTTPForeignPagesAreRefused(t *testing.T) {
	tokens := tokenFile(t, "alice", "secret")
	local := serveHTTP(t, newFakeConsumer())
	proxied := serveHTTP(t, newFakeConsumer(), func(o *HTTPOptions) {
		o.Tokens, o.AllowedHosts = tokens, []string{"Lark.example"}
	}).as("Authorization", "Bearer secret")
	for name, test := range map[string]struct {
		w            *web
		host, origin string
		status       int
	}{
		"itself":                 {local, "", "", 400},
		"localhost":              {local, "localhost:1234", "http://localhost:3000", 400},
		"IPv6":                   {local, "[::1]:80", "https://[::1]", 400},
		"rebound name":           {local, "evil.example", "", 403},
		"name that looks local":  {local, "localhost.evil.example", "", 403},
		"address elsewhere":      {local, "192.0.2.1", "", 403},
		"page elsewhere":         {local, "", "https://evil.example", 403},
		"page of a rebound name": {local, "evil.example", "http://evil.example", 403},
		"page without a name":    {local, "", "null", 403},
		"origin is none":         {local, "", "::", 403},
		"name of the proxy":      {proxied, "lark.example", "https://lark.example", 400},
		"proxied, other page":    {proxied, "lark.example", "https://evil.example", 403},
		"proxied, other name":    {proxied, "evil.example", "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			status, text := test.w.as("Host", test.host).as("Origin", test.origin).post("{}")
			if status != test.status {
				t.Errorf("answered %d, want %d: %s", status, test.status, text)
			}
		})
	}
}

func TestHTTPTokens(t *testing.T) {
	registerKeys(t, messageDefinition())
	tokens := tokenFile(t, "alice", "of alice", "bob", "of bob", "alice", "second of alice")
	w := serveHTTP(t, newFakeConsumer(), func(o *HTTPOptions) { o.Tokens = tokens })
	for name, header := range map[string]string{
		"none": "", "wrong": "Bearer of carol", "empty": "Bearer ", "basic": "Basic b2YgYWxpY2U=",
		"its hash": fmt.Sprintf("Bearer %x", sha256.Sum256([]byte("of alice"))),
	} {
		response := w.as("Authorization", header).do("POST", HTTPPath, strings.NewReader(initializeMessage))
		if got := response.Header.Get("WWW-Authenticate"); response.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(got, "Bearer") {
			t.Errorf("%s: %s, WWW-Authenticate: %s", name, response.Status, got)
		}
	}
	s := w.as("Authorization", "bearer of alice").initialize()
	s.subscribe()
	s.as("Authorization", "Bearer second of alice").result("ping", nil)
	for _, method := range []string{"POST", "GET", "DELETE"} {
		response := s.as("Authorization", "Bearer of bob").do(method, HTTPPath, strings.NewReader(legacyMessage("ping", nil)))
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s to another's session: %s", method, response.Status)
		}
	}
	s.result("ping", nil)

	// Clients of protocol 2026-07-28 share a memory only with themselves.
	alice, bob := w.as("Authorization", "Bearer of alice"), w.as("Authorization", "Bearer of bob")
	alice.modern("agent").tool("subscribe_event", map[string]any{"key": messageKey})
	client, message := bob.modern("agent").message("tools/call", toolCall("poll_events", map[string]any{}))
	if _, text := client.post(message); !strings.Contains(text, "unknown_subscription") {
		t.Errorf("another principal polled %s", text)
	}
	if response := w.do("GET", "/healthz", nil); response.StatusCode != http.StatusOK {
		t.Errorf("/healthz needs a token: %s", response.Status)
	}
	if response := alice.as(mcpgo.HeaderSessionID, "").do("GET", "/metrics", nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("/metrics: %s", response.Status)
	}
}

// tokenLine is a line of a token file.
func tokenLine(name, token string) string {
	return fmt.Sprintf("%s %x\n", name, sha256.Sum256([]byte(token)))
}

// tokenFile returns the tokens of a file; pairs are names and tokens.
func tokenFile(t *testing.T, pairs ...string) *Tokens {
	t.Helper()
	text := "# comment\n\n"
	for i := 0; i < len(pairs); i += 2 {
		text += tokenLine(pairs[i], pairs[i+1])
	}
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := LoadTokens(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestTokenFilesThatAreRefused(t *testing.T) {
	good := tokenLine("alice", "token")
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"empty":             {"# nobody\n", 0o600, "no token"},
		"no hash":           {good + "bob\n", 0o600, "line 2"},
		"too much":          {"alice a b\n", 0o600, "line 1"},
		"a token itself":    {"alice verysecret\n", 0o600, "sha256sum"},
		"a short hash":      {"alice abcd\n", 0o600, "64 hex digits"},
		"one token for two": {good + tokenLine("bob", "token"), 0o600, "same token"},
		"world-readable":    {good, 0o644, "chmod 600"},
		"group-writable":    {good, 0o660, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tokens")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadTokens(path, nil)
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "verysecret") {
				t.Errorf("refused with %v", err)
			}
		})
	}
	if _, err := LoadTokens(filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a file that is not there was read")
	}
	if _, err := LoadTokens(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a folder is refused with %v", err)
	}
}

func TestTokenFileIsReadAgainWhenItChanges(t *testing.T) {
	tokens := tokenFile(t, "alice", "old")
	change := func(text string, age time.Duration) {
		if err := os.WriteFile(tokens.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(tokens.path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	change(tokenLine("alice", "new"), time.Hour)
	if _, ok := tokens.principal("old"); ok {
		t.Error("the old token is still good")
	}
	if name, ok := tokens.principal("new"); !ok || name != "alice" || !tokens.Knows("alice") {
		t.Errorf("the new token is %q's, %v", name, ok)
	}
	change("alice half a li", 2*time.Hour)
	if _, ok := tokens.principal("new"); !ok {
		t.Error("a file that cannot be used took the tokens away")
	}
	change(tokenLine("bob", "other"), 3*time.Hour)
	if tokens.Knows("alice") || !tokens.Knows("bob") {
		t.Error("who was taken out of the file is known, or who was added is not")
	}
}

// It is asked for at each request and each webhook's event.
func TestAMissingTokenFileIsComplainedOfOnce(t *testing.T) {
	tokens := tokenFile(t, "alice", "token")
	var said strings.Builder
	tokens.logger = slog.New(slog.NewTextHandler(&said, nil))
	for range 2 { // twice missing, with a good file between
		if err := os.Rename(tokens.path, tokens.path+".away"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if !tokens.Knows("alice") {
				t.Fatal("a file that is missing took the tokens away")
			}
		}
		if err := os.Rename(tokens.path+".away", tokens.path); err != nil {
			t.Fatal(err)
		}
		tokens.Knows("alice")
	}
	if n := strings.Count(said.String(), "level=WARN"); n != 2 {
		t.Errorf("%d complaints: %s", n, &said)
	}
}

// An editor that writes a new file may leave it open to everyone. The warning says what to do, and then the file counts.
func TestATokenFileIsReadOnceItMayBe(t *testing.T) {
	tokens := tokenFile(t, "alice", "revoked")
	var said strings.Builder
	tokens.logger = slog.New(slog.NewTextHandler(&said, nil))
	if err := os.WriteFile(tokens.path, []byte(tokenLine("bob", "new")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(tokens.path, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if !tokens.Knows("alice") || tokens.Knows("bob") {
			t.Fatal("a file that everyone may read was used")
		}
	}
	if n := strings.Count(said.String(), "chmod 600"); n != 1 {
		t.Errorf("%d complaints: %s", n, &said)
	}
	if err := os.Chmod(tokens.path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := tokens.principal("revoked"); ok || !tokens.Knows("bob") {
		t.Error("after chmod 600 the file was not read")
	}
}
