//go:build unix

package main_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// maxResident is what a process may take whatever its agents ask for, in bytes; under the race detector, several times
// what it does take.
const maxResident = 400 << 20

// generous is the limit for what an agent waits while another is abusive: far above what it does wait.
const generous = 20 * time.Second

// peakMemory is the most that a process has ever had in memory, in bytes; 0 where the system does not tell.
func peakMemory(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if kib, ok := strings.CutPrefix(string(line), "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(kib), " kB"))
			return n << 10
		}
	}
	return 0
}

// bomb is a filter that passes each event but those with the text, for which it does something else.
func bomb(text, does string) string {
	return fmt.Sprintf(`if .content == %q then (%s) else true end`, text, does)
}

// serveGoodAndBad starts a server with two agents, of which the good one has a filter that needs a process.
func (w *world) serveGoodAndBad() (server *process, good, bad *webAgent) {
	w.t.Helper()
	server, good = w.serveHTTP()
	good.initialize()
	good.call("subscribe_event", `{"key":"`+messageKey+`","filter":".chat_type + \"\" == \"group\""}`)
	bad = &webAgent{t: w.t, client: good.client, url: good.url}
	bad.initialize()
	return server, good, bad
}

func TestFaultFiltersHoldUpOnlyThemselves(t *testing.T) {
	w := newWorld(t)
	server, good, bad := w.serveGoodAndBad()

	for _, filter := range []string{
		`"x" * 1e9`, `[range(1e9)]`, `def f: f; f`, `reduce range(60) as $i ("x"; . + .)`, `"ab" * 1e6 | [match("a|b"; "g")]`, `.x[400000000] = 1 | tojson`,
	} {
		_, text := bad.post(toolMessage("subscribe_event", fmt.Sprintf(`{"key":%q,"filter":%q}`, messageKey, filter)))
		if !strings.Contains(text, `"invalid_filter"`) {
			t.Errorf("the filter %s: %s", filter, text)
		}
	}
	bombs := []string{
		bomb("boom", `"x" * 1e9 | length > 0`), bomb("boom", `last(repeat(1))`), bomb("boom", `"ab" * 1e6 | [match("a|b"; "g")] | length > 0`),
	}
	for _, filter := range bombs {
		if text := bad.call("subscribe_event", fmt.Sprintf(`{"key":%q,"filter":%q}`, messageKey, filter)); !strings.Contains(text, "subscription_id") {
			t.Fatalf("the filter %s: %s", filter, text)
		}
	}
	sent := testutil.Faults(t, 3, 100)
	for range sent {
		w.send("boom")
		polled := make(chan string, 1)
		go func() { polled <- pollText(bad) }()
		began := time.Now()
		if page := good.call("poll_events", `{"wait_seconds":50}`); strings.Count(page, `"boom"`) != 1 || time.Since(began) > generous {
			t.Errorf("after %s another agent has %s", time.Since(began), page)
		}
		t.Logf("another agent waited %s", time.Since(began))
		if page := <-polled; strings.Count(page, `"code":"invalid_filter"`) != len(bombs) {
			t.Errorf("the agent with the filters is told %s", page)
		}
	}
	peak := peakMemory(server.cmd.Process.Pid)
	t.Logf("%d events to %d filters that do not end or fit; the server took up to %d MiB", sent, len(bombs), peak>>20)
	if peak > maxResident {
		t.Errorf("the server took %d bytes", peak)
	}
}

// TestFaultManySlowFiltersHoldUpOnlyThemselves has an agent poll all of its slow filters at once beside one whose filter
// needs a process too.
func TestFaultManySlowFiltersHoldUpOnlyThemselves(t *testing.T) {
	w := newWorld(t)
	_, good, bad := w.serveGoodAndBad()
	const many = 12
	var subscriptions []string
	for i := range many {
		filter := bomb("boom", fmt.Sprintf(`"ab" * 1e6 | [match("a|b"; "g")] | length > %d`, i))
		text := bad.call("subscribe_event", fmt.Sprintf(`{"key":%q,"filter":%q}`, messageKey, filter))
		made := decode[struct {
			ID string `json:"subscription_id"`
		}](t, text)
		if made.ID == "" {
			t.Fatalf("the filter %s: %s", filter, text)
		}
		subscriptions = append(subscriptions, made.ID)
	}
	w.send("boom")
	polled := make(chan string, many)
	for i, id := range subscriptions {
		poll := toolMessage("poll_events", fmt.Sprintf(`{"subscription_id":%q,"wait_seconds":50}`, id))
		go func() {
			_, text, err := bad.try(strings.Replace(poll, `"id":1,`, fmt.Sprintf(`"id":%d,`, i), 1))
			polled <- fmt.Sprint(text, err)
		}()
	}
	pages := []string{<-polled}
	if page := good.call("poll_events", `{"wait_seconds":50}`); strings.Count(page, `"boom"`) != 1 || strings.Contains(page, `"error"`) {
		t.Errorf("another agent has %s", page)
	}
	if n := len(polled); n > many/2 {
		t.Errorf("another agent waited for %d filters", n)
	}
	for len(pages) < many {
		pages = append(pages, <-polled)
	}
	for _, page := range pages {
		if !strings.Contains(page, `"code":"invalid_filter"`) {
			t.Errorf("the agent with the filters is told %s", page)
		}
	}
}

// pollText polls until all three subscriptions have had their event.
func pollText(a *webAgent) string {
	var pages strings.Builder
	for range 5 {
		_, text, err := a.try(toolMessage("poll_events", `{"wait_seconds":1}`))
		if err != nil {
			return err.Error()
		}
		if pages.WriteString(text); strings.Count(pages.String(), `"event_id"`) >= 3 {
			break
		}
	}
	return pages.String()
}

func TestFaultConsumeStopsAnExpressionThatDoesNotFit(t *testing.T) {
	w := newWorld(t)
	p := w.start("consume", messageKey, "--max-events", "2", "--jq", bomb("boom", `"x" * 1e9`))
	p.stderr.await(t, "ready key=")
	w.send("boom")
	w.send("harmless")
	// A busy machine meets the limit of time before that of memory.
	line := p.stdout.await(t, "boom")
	if !strings.Contains(line, "--jq failed") || !strings.Contains(line, "memory") && !strings.Contains(line, "did not end") {
		t.Errorf("it printed %s", line)
	}
	p.stdout.await(t, "harmless")
	peak := peakMemory(p.cmd.Process.Pid)
	if code := p.wait(); code != 0 || peak > maxResident {
		t.Errorf("it ended with %d and took %d bytes", code, peak)
	}
	if refused, code := w.run("consume", messageKey, "--jq", "def f: f; f"); code == 0 || !strings.Contains(refused.stderr.String(), "did not end") {
		t.Errorf("one that never ends: %d, %s", code, refused.stderr)
	}
}

func TestFaultSubscriptionsAreBounded(t *testing.T) {
	w := newWorld(t)
	_, good := w.serveHTTP()
	good.initialize()
	good.call("subscribe_event", `{"key":"`+messageKey+`"}`)
	sessions := testutil.Faults(t, 2, 100)
	const each, allowed = 120, 100
	made, refused := 0, 0
	for range sessions {
		bad := &webAgent{t: t, client: good.client, url: good.url}
		bad.initialize()
		for i := range each {
			switch _, text := bad.post(toolMessage("subscribe_event", fmt.Sprintf(`{"key":%q,"filter":".x == %d"}`, messageKey, i))); {
			case strings.Contains(text, `"subscription_id"`):
				made++
			case strings.Contains(text, `"limit_reached"`):
				refused++
			default:
				t.Fatalf("subscribe: %s", text)
			}
		}
	}
	if made != sessions*allowed || refused != sessions*(each-allowed) {
		t.Errorf("%d made, %d refused", made, refused)
	}
	began := time.Now()
	w.send("for another agent")
	page := good.call("poll_events", `{"wait_seconds":50}`)
	t.Logf("beside %d subscriptions, %d refused, another agent had its event after %s", made, refused, time.Since(began))
	if !strings.Contains(page, "for another agent") || time.Since(began) > generous {
		t.Errorf("after %s another agent has %s", time.Since(began), page)
	}
}
