//go:build unix

package main_test

import (
	"strings"
	"testing"
	"time"
)

// demoLimit is what interface.md promises.
const demoLimit = 20 * time.Second

func TestDemoShowsTheWholeLoop(t *testing.T) {
	w := newWorld(t)
	w.env = map[string]string{"PATH": w.env["PATH"], "HOME": w.env["HOME"], "TMPDIR": w.env["TMPDIR"]}
	var p *process
	var code int
	elapsed := took(func() { p, code = w.run("demo") })
	t.Logf("the demo took %v", elapsed)
	if code != 0 || elapsed > demoLimit || p.stderr.String() != "" {
		t.Errorf("code %d after %v, stderr %s", code, elapsed, p.stderr)
	}
	for _, want := range []string{
		"-> list_event_keys", "-> describe_event_key", "-> subscribe_event", "-> poll_events", "-> unsubscribe_event",
		"pushed  " + updatedMethod, "Good morning! The nightly build is green again.", `"cleanup":"done"`,
	} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("the transcript lacks %q:\n%s", want, p.stdout)
		}
	}
	w.mustBeClean()
}

func TestServeDemoNeedsNoAccount(t *testing.T) {
	w := newWorld(t)
	w.env = map[string]string{"PATH": w.env["PATH"], "HOME": w.env["HOME"], "TMPDIR": w.env["TMPDIR"]}
	a := w.agent(modernEra, "--demo")
	a.listen("event.any", map[string]any{"params": map[string]any{"event_type": "im.chat.member.bot.added_v1"}})
	if e := a.poll(map[string]any{"wait_seconds": 50}).Events; len(e) != 1 || e[0].Key != "event.any" {
		t.Errorf("received %+v", e)
	}
	a.proc.stdin.Close()
	if code := a.proc.wait(); code != 0 || a.proc.stderr.String() != "" {
		t.Errorf("it ended with code %d: %s", code, a.proc.stderr)
	}
	w.mustBeClean()
}
