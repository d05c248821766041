package mcp

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tokens are the bearer tokens that a server accepts, from a file with a name and the SHA-256 of a token, in hex, on
// each line. Lines that begin with # are comments. A name may have several tokens, so that one can follow another.
// The file is read again when it has changed. Its methods may be called from many goroutines at once.
type Tokens struct {
	path   string
	logger *slog.Logger

	mu      sync.Mutex
	entries []tokenEntry
	read    fileVersion  // that the entries are from
	refused *fileRefusal // why the file cannot be used now, if it was complained of
}

type tokenEntry struct {
	name string
	hash [sha256.Size]byte
}

// fileVersion tells that a file has changed. The zero value is that of a file that cannot be looked at.
type fileVersion struct {
	modified time.Time
	size     int64
	mode     os.FileMode
}

// fileRefusal is what was complained of, and of which version.
type fileRefusal struct {
	version fileVersion
	message string
}

// LoadTokens reads a file of tokens. The error says what is wrong with the file, and in which line. It must be a
// regular file, not readable for everyone, nor writable for anyone but its owner. logger is told when the file has
// changed and cannot be used; nil discards that.
func LoadTokens(path string, logger *slog.Logger) (*Tokens, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	t := &Tokens{path: path, logger: logger}
	return t, t.load()
}

// load reads the file if it has changed since it was read. One that cannot be used is tried again each time, for the
// reason may pass without a change of the file; it is complained of once.
func (t *Tokens) load() error {
	found, err := t.loadVersion()
	if err == nil {
		t.refused = nil
		return nil
	}
	refused := fileRefusal{found, err.Error()}
	if t.refused != nil && *t.refused == refused {
		return nil
	}
	t.refused = &refused
	return err
}

// loadVersion is load without memory of what was complained of. It returns the version that it found.
func (t *Tokens) loadVersion() (found fileVersion, err error) {
	info, err := os.Stat(t.path)
	if err != nil {
		return found, fmt.Errorf("look at the token file: %w", err)
	}
	found = fileVersion{info.ModTime(), info.Size(), info.Mode()}
	if found == t.read {
		return found, nil
	}
	if !info.Mode().IsRegular() {
		return found, fmt.Errorf("the token file %s is not a regular file, and reading it might not end", t.path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o026 != 0 {
		return found, fmt.Errorf("the token file %s may be read by everyone, or written by others (mode %v): chmod 600 it", t.path, info.Mode().Perm())
	}
	text, err := os.ReadFile(t.path)
	if err != nil {
		return found, fmt.Errorf("read the token file: %w", err)
	}
	entries, err := parseTokens(text)
	if err != nil {
		return found, fmt.Errorf("token file %s: %w", t.path, err)
	}
	t.entries, t.read = entries, found
	return found, nil
}

// parseTokens reads the lines of a token file. No error repeats what may be a token.
func parseTokens(text []byte) ([]tokenEntry, error) {
	var entries []tokenEntry
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d is not a name and a hash", n)
		}
		hash, err := hex.DecodeString(fields[1])
		if err != nil || len(hash) != sha256.Size {
			return nil, fmt.Errorf("line %d: the hash of %q is not a SHA-256 of 64 hex digits; this prints one: printf %%s \"$TOKEN\" | sha256sum",
				n, clip(fields[0], 100))
		}
		entry := tokenEntry{name: fields[0], hash: [sha256.Size]byte(hash)}
		for _, other := range entries {
			if other.hash == entry.hash {
				return nil, fmt.Errorf("line %d: %q has the same token as %q", n, clip(entry.name, 100), clip(other.name, 100))
			}
		}
		entries = append(entries, entry)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("no token is in it; a line is a name and the hash that this prints: printf %%s \"$TOKEN\" | sha256sum")
	}
	return entries, nil
}

// Knows reports whether there is a token of this name.
func (t *Tokens) Knows(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reload()
	return slices.ContainsFunc(t.entries, func(e tokenEntry) bool { return e.name == name })
}

// principal returns whose token it is. The time it takes does not depend on how much of a token is right.
func (t *Tokens) principal(token string) (name string, ok bool) {
	hash := sha256.Sum256([]byte(token))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reload()
	for _, entry := range t.entries {
		if subtle.ConstantTimeCompare(entry.hash[:], hash[:]) == 1 {
			name, ok = entry.name, true
		}
	}
	return name, ok
}

// reload reads the file if it has changed. One that cannot be used changes nothing. The caller holds mu.
func (t *Tokens) reload() {
	if err := t.load(); err != nil {
		t.logger.Warn("the token file could not be read again; the tokens are those it had", "error", err)
	}
}
