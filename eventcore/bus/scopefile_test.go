package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

func TestScopesAreRememberedUntilThereAreNone(t *testing.T) {
	file := scopeFile(filepath.Join(t.TempDir(), "scopes.json"))
	for _, saved := range [][]savedScope{{{"id1", "k"}}, {{"id1", "k"}, {"id2", "k"}}, nil, nil} {
		if err := file.save(saved); err != nil {
			t.Fatal(err)
		}
		got, err := file.load(slog.New(slog.DiscardHandler))
		if err != nil || !slices.Equal(got, saved) {
			t.Errorf("got %v, %v; want %v", got, err, saved)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(string(file))); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAnEmptyScopeFileKeepsNoBusFromStarting(t *testing.T) {
	file := scopeFile(filepath.Join(t.TempDir(), "scopes.json"))
	if err := os.WriteFile(string(file), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	got, err := file.load(slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || len(got) != 0 || !strings.Contains(log.String(), "scopes.json") {
		t.Errorf("got %v, %v; the log says %q", got, err, log.String())
	}
}

func TestAScopeFileThatCannotBeReadIsExplained(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"no JSON":     func(path string) error { return os.WriteFile(path, []byte("[{"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			file := scopeFile(filepath.Join(t.TempDir(), "scopes.json"))
			if err := put(string(file)); err != nil {
				t.Fatal(err)
			}
			var e *eventcore.Error
			_, err := file.load(slog.New(slog.DiscardHandler))
			if !errors.As(err, &e) || !strings.Contains(e.Message, string(file)) || e.Hint == "" {
				t.Errorf("got %v, want the path and what to do", err)
			}
		})
	}
}

func TestSavingScopesFollowsNoSymbolicLink(t *testing.T) {
	dir := t.TempDir()
	file, elsewhere := scopeFile(filepath.Join(dir, "scopes.json")), filepath.Join(dir, "elsewhere")
	if err := os.WriteFile(elsewhere, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, string(file)+".new"); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := file.save([]savedScope{{"id", "k"}}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
		t.Errorf("the link's target holds %q (%v)", text, err)
	}
}

// What may be left on the platform is remembered, the newest of it: nobody can fill the bus with it.
func TestTheOldestOrphansAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scopes.json")
	open := func() *scopes {
		s, err := openScopes(path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	const held, more = "held", 3
	join := func(h holder, identity string) {
		got, err := s.acquire(t.Context(), h, &protocol.Acquire{Identity: identity, Key: "k", Platform: true})
		if err != nil || !got.First {
			t.Fatalf("%s: %+v, %v", identity, got, err)
		}
	}
	join(holder{number: 0}, held)
	s.settle(holder{number: 0}, &protocol.Settle{Identity: held, OK: true})
	identity := func(n int) string { return fmt.Sprintf("%04d", n) }
	for n := range maxOrphans + more {
		if n == maxOrphans {
			s.leave(&conn{}) // somebody else, whom they do not concern
		}
		h := holder{number: uint64(n) + 1}
		join(h, identity(n))
		s.settle(h, &protocol.Settle{Identity: identity(n), Unknown: true})
	}
	for name, c := range map[string]struct {
		scopes *scopes
		first  int
	}{"this bus": {s, more}, "the next one, for which the held one is an orphan": {open(), more + 1}} {
		kept := c.scopes.list()
		if kept[0].Identity != identity(c.first) || kept[len(kept)-1].Identity != held || len(kept) != maxOrphans+more+1-c.first {
			t.Errorf("%s keeps %d, from %s to %s", name, len(kept), kept[0].Identity, kept[len(kept)-1].Identity)
		}
	}
}

// What cannot be remembered is not made on the platform; what is remembered already may be made again.
func TestAScopeThatCannotBeRememberedIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "scopes.json")
	if err := scopeFile(path).save([]savedScope{{"known", "k"}}); err != nil {
		t.Fatal(err)
	}
	s, err := openScopes(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	block := path + ".new" // a directory that is not empty, in the place of the next file
	if err := os.MkdirAll(filepath.Join(block, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	var refused *eventcore.Error
	if _, err := s.acquire(t.Context(), holder{number: 1}, &protocol.Acquire{Identity: "new", Key: "k", Platform: true}); !errors.As(err, &refused) || refused.Hint == "" {
		t.Fatalf("a new one: %v", err)
	}
	if got, err := s.acquire(t.Context(), holder{number: 2}, &protocol.Acquire{Identity: "known", Key: "k", Platform: true}); err != nil || !got.First {
		t.Errorf("a known one: %+v, %v", got, err)
	}
	if err := os.RemoveAll(block); err != nil {
		t.Fatal(err)
	}
	if got, err := s.acquire(t.Context(), holder{number: 3}, &protocol.Acquire{Identity: "new", Key: "k", Platform: true}); err != nil || !got.First {
		t.Errorf("with room again: %+v, %v", got, err)
	}
}

// A bus that is killed while much is held leaves no more than may be.
func TestOrphansAreFewAlsoBehindAKilledBus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scopes.json")
	killed, err := openScopes(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := &conn{}
	for n := range 2 * maxOrphans {
		id := fmt.Sprintf("%04d", n)
		killed.byID[id] = &scope{identity: id, key: "k", platform: true, holders: []holder{{c, uint64(n)}}}
	}
	if err := killed.save(); err != nil {
		t.Fatal(err)
	}
	next, err := openScopes(path, slog.New(slog.DiscardHandler))
	if err != nil || len(next.list()) != maxOrphans {
		t.Errorf("the next bus has %d, %v", len(next.list()), err)
	}
	killed.leave(c)
	if next, err = openScopes(path, slog.New(slog.DiscardHandler)); err != nil || len(killed.list()) != maxOrphans || !slices.Equal(killed.list(), next.list()) {
		t.Errorf("when all have left there are %d, of which the next bus knows %d, %v", len(killed.list()), len(next.list()), err)
	}
}
