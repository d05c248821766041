//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

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
