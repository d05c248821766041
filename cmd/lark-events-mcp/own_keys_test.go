//go:build unix

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// ownKeys is a folder with keys as a user writes them.
const ownKeys = "../../keys/ownkeys/testdata/keys"

func TestOwnKeysAreListedAndConsumed(t *testing.T) {
	w := newWorld(t)
	if p, code := w.run("list", "--keys-dir", ownKeys, "--domain", "acme"); code != 0 || !strings.Contains(p.stdout.String(), "acme.order.paid_v1") {
		t.Errorf("code %d: %s%s", code, p.stdout, p.stderr)
	}
	const key = "acme.order.paid_v1"
	p := w.start("consume", key, "--keys-dir", ownKeys, "--param", "min_amount=100", "--jq", ".order_id", "--max-events", "1")
	p.stderr.await(t, "ready key="+key)
	order := func(id string, amount int) larksim.Event {
		return larksim.Event{Type: "acme.order.changed_v1", Body: map[string]any{"id": id, "status": "paid", "amount": amount, "shop": "eu"}}
	}
	w.sendEvent(order("too-small", 99))
	w.sendEvent(order("o-2", 100))
	if code := p.wait(); code != 0 || p.stdout.String() != "\"o-2\"\n" {
		t.Errorf("code %d, printed %q: %s", code, p.stdout, p.stderr)
	}
	a := w.agent(legacyEra, "--keys-dir", ownKeys)
	if found := a.tool("list_event_keys", map[string]any{"query": "订单支付"}); !strings.Contains(found, key) {
		t.Errorf("an agent finds %s", found)
	}
}

func TestOwnKeysWithMistakesAreNamed(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(file, []byte(`{"key":"acme.x_v1","title":"X","description":"short","schema":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"serve"}, {"list"}, {"consume", "acme.x_v1"}} {
		p, code := w.run(append(command, "--keys-dir", dir)...)
		if code != 3 || !strings.Contains(p.stderr.String(), file+": description: ") {
			t.Errorf("%s: code %d, %s", command, code, p.stderr)
		}
	}
	builtIn := `{"key":"im.chat.updated_v1","title":"X","schema":{},"description":"` + strings.Repeat("long ", 20) + `"}`
	if err := os.WriteFile(file, []byte(builtIn), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, code := w.run("list", "--keys-dir", dir); code != 3 || !strings.Contains(p.stderr.String(), "is built in") {
		t.Errorf("a built-in key: code %d, %s", code, p.stderr)
	}
}
