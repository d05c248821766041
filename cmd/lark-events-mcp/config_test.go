//go:build unix

package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestAPasswordInTheDomainIsNotRepeated(t *testing.T) {
	for _, domain := range []string{
		"http://user:hunter2@127.0.0.1:8080", "https://hunter2@open.feishu.cn", "user:hunter2@open.feishu.cn", "http://u:hunter2%zz@h",
	} {
		_, err := parseDomain(domain)
		if err == nil || !eventcore.IsCode(err, eventcore.CodeCredentialsMissing) {
			t.Errorf("%s: %v, want credentials_missing", domain, err)
			continue
		}
		if said := err.Error(); strings.Contains(said, "hunter2") || !strings.Contains(said, envDomain) {
			t.Errorf("%s: the error says %q", domain, said)
		}
	}
}

func TestASecretIsReadFromARegularFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	for name, text := range map[string]string{
		"as it is": "s3cret", "with a line break": "s3cret\r\n", "with a byte order mark": "\ufeffs3cret\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readSecret(path); err != nil || got != "s3cret" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	fifo, link, large := filepath.Join(dir, "fifo"), filepath.Join(dir, "link"), filepath.Join(dir, "large")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(fifo, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(large, make([]byte, maxSecretFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		fifo: "regular file", link: "regular file", dir: "regular file", "/dev/zero": "regular file", large: "bytes",
	} {
		if _, err := readSecret(path); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), envSecretFile) {
			t.Errorf("%s: %v, want an error about %s", path, err, says)
		}
	}
}

func TestASecretsFileThatIsOpenIsWarnedOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: false, 0o644: true, 0o604: true, 0o620: true, 0o602: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		cfg := config{secretFile: path}
		cfg.warn(slog.New(slog.NewTextHandler(&said, nil)))
		if (said.Len() > 0) != warned || strings.Contains(said.String(), "s3cret") || warned && !strings.Contains(said.String(), envSecretFile) {
			t.Errorf("mode %v: %q", mode, said.String())
		}
	}
}
