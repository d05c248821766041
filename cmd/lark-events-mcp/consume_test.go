//go:build unix

package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// ready is what consume says on stderr once events can arrive.
const ready = "ready key=" + messageKey

// printed is one line of consume.
type printed = event

// printedEvents decodes the whole of stdout, every line of which must be an event.
func printedEvents(t *testing.T, p *process) []printed {
	t.Helper()
	var events []printed
	for _, line := range p.stdout.all() {
		events = append(events, decode[printed](t, line))
	}
	return events
}

func TestConsumePrintsEventsAsTheyArrive(t *testing.T) {
	w := newWorld(t)
	p := w.start("consume", messageKey, "--max-events", "2")
	p.stderr.await(t, ready)
	first := w.send("one")
	p.stdout.await(t, first.EventID) // before there is a second
	w.send("two")
	if code := p.wait(); code != 0 {
		t.Fatalf("it ended with code %d: %s", code, p.stderr)
	}
	events := printedEvents(t, p)
	if !slices.Equal(contents(events), []string{"one", "two"}) {
		t.Fatalf("printed %s", p.stdout)
	}
	e := events[0]
	if e.EventID != first.EventID || e.Key != messageKey || e.EventType != messageKey || e.Time == "" || e.Cursor == "" || e.Error != nil {
		t.Errorf("printed %s", p.stdout.all()[0])
	}
	if got := strings.TrimSpace(p.stderr.String()); got != ready {
		t.Errorf("stderr is %q, want only %q", got, ready)
	}
	w.awaitConsumers(0)
}

func TestConsumeEndsWithItsReader(t *testing.T) {
	w := newWorld(t)
	p := w.shell(`"$BIN" consume ` + messageKey + ` | head -n 1`)
	p.stderr.await(t, ready)
	sent := w.send("the only one")
	if code := p.wait(); code != 0 {
		t.Errorf("it ended with code %d: %s", code, p.stderr)
	}
	if events := printedEvents(t, p); len(events) != 1 || events[0].EventID != sent.EventID {
		t.Errorf("printed %s", p.stdout)
	}
	if got := strings.TrimSpace(p.stderr.String()); got != ready {
		t.Errorf("stderr is %q, want no complaint of the closed pipe", got)
	}
	w.awaitConsumers(0)
}

func TestConsumeEndsAfterItsTimeout(t *testing.T) {
	w := newWorld(t)
	w.agent(legacyEra).listen(messageKey) // so that the bus is there
	p := w.start("consume", messageKey, "--timeout", "5s")
	p.stderr.await(t, ready)
	if code := p.wait(); code != 0 || p.stdout.String() != "" {
		t.Errorf("it ended with code %d, stdout %q, stderr %q", code, p.stdout, p.stderr)
	}
}

func TestConsumeSaysWhatItsTimeoutWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.agent(legacyEra).listen(messageKey) // so that the bus is there
	w.boardsHang(0)
	p, code := w.run("consume", boardKey, "--param", "whiteboard_id="+boardID, "--timeout", "3s")
	if said := p.stderr.String(); code != 1 || !strings.Contains(said, "the platform did not answer in time what subscribing to "+boardKey) {
		t.Errorf("it ended with code %d and said %q", code, said)
	}
}

// A script must not take it for an orderly end when consume could not listen at all.
func TestConsumeFailsIfItWasNotReadyBeforeItsTimeout(t *testing.T) {
	w := newWorld(t)
	w.env["LARK_DOMAIN"] = "http://127.0.0.1:1" // where nobody listens
	p, code := w.run("consume", messageKey, "--timeout", "2s")
	if said := p.stderr.String(); code != 1 || strings.Contains(said, "ready") || !strings.Contains(said, "connecting") || !strings.Contains(said, "2s") {
		t.Errorf("it ended with code %d and said %q; want 1, and the state of the connection", code, said)
	}
}

func TestConsumeIsNotReadyWhenThePlatformRefuses(t *testing.T) {
	w := newWorld(t)
	live := w.start("consume", messageKey, "--max-events", "1")
	live.stderr.await(t, ready)
	w.send("one")
	live.wait()
	w.stopBuses()

	w.secrets = append(w.secrets, wrongSecret)
	refused := w.with(t, map[string]string{"LARK_APP_SECRET": wrongSecret})
	p := refused.start("consume", messageKey, "--from", "earliest", "--timeout", "20s")
	p.stdout.await(t, `"one"`) // what is in the journal can be read
	if code, said := p.wait(), p.stderr.String(); code != 4 || strings.Contains(said, ready) || !strings.Contains(said, "app secret invalid") {
		t.Errorf("it ended with code %d and said %q; want 4, and not that it is ready", code, said)
	}
}

func TestConsumeTellsHowTheConnectionChanges(t *testing.T) {
	w := newWorld(t)
	p := w.start("consume", messageKey)
	p.stderr.await(t, ready)
	w.platform.PlanBootstraps(larksim.BootstrapAnswer{Code: 10014, Msg: "app secret invalid"})
	w.platform.DropConnections()
	p.stderr.await(t, "the platform refused the connection")
}

func TestConsumeNarrows(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want []string // the lines
	}{
		"a param":         {[]string{"--param", "chat_type=p2p", "--jq", ".content"}, []string{`"alone"`}},
		"two params":      {[]string{"--param", "chat_type=group", "--param", "message_type=text,post", "--jq", ".content"}, []string{`"deploy <now>"`, `"lunch?"`}},
		"a projection":    {[]string{"--jq", "{c: .content, t: .chat_type}"}, []string{`{"c":"deploy <now>","t":"group"}`, `{"c":"alone","t":"p2p"}`, `{"c":"lunch?","t":"group"}`}},
		"several outputs": {[]string{"--jq", `select(.chat_type == "p2p") | .chat_type, .content`}, []string{`"p2p"`, `"alone"`}},
		"no numbers":      {[]string{"--jq", `select(.chat_type == "p2p") | nan, [infinite]`}, []string{"null", "[1.7976931348623157e+308]"}},
		"a filter":        {[]string{"--jq", `select(.content | test("deploy")) | .content`}, []string{`"deploy <now>"`}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.start(append([]string{"consume", messageKey}, test.args...)...)
			p.stderr.await(t, ready)
			w.send("deploy <now>")
			w.sendEvent(larksim.Text(larksim.Ada, larksim.Direct, "alone"))
			w.send("lunch?")
			for _, line := range test.want {
				p.stdout.await(t, line)
			}
			p.signal(os.Interrupt)
			if code := p.wait(); code != 130 {
				t.Errorf("after SIGINT it ended with code %d, want 130: %s", code, p.stderr)
			}
			if got := p.stdout.all(); !slices.Equal(got, test.want) {
				t.Errorf("printed %q, want %q", got, test.want)
			}
		})
	}
}

// A jq expression that says true keeps the event whole.
func TestConsumeKeepsWhatAFilterAccepts(t *testing.T) {
	w := newWorld(t)
	p := w.start("consume", messageKey, "--jq", `.content == "yes"`, "--max-events", "1")
	p.stderr.await(t, ready)
	w.send("no")
	sent := w.send("yes")
	if code := p.wait(); code != 0 {
		t.Errorf("it ended with code %d: %s", code, p.stderr)
	}
	if events := printedEvents(t, p); len(events) != 1 || events[0].EventID != sent.EventID || events[0].content() != "yes" {
		t.Errorf("printed %s", p.stdout)
	}
}

func TestConsumeFromThePast(t *testing.T) {
	w := newWorld(t)
	live := w.start("consume", messageKey, "--max-events", "3")
	live.stderr.await(t, ready)
	for _, text := range []string{"one", "two", "three"} {
		w.send(text)
	}
	live.wait()
	cursor := printedEvents(t, live)[0].Cursor
	late := map[*process][]string{}
	for from, want := range map[string][]string{
		"earliest": {"one", "two", "three"}, "30m": {"one", "two", "three"}, "1d": {"one", "two", "three"}, cursor: {"two", "three"},
	} {
		p := w.start("consume", messageKey, "--from", from, "--max-events", fmt.Sprint(len(want)+1))
		p.stderr.await(t, ready)
		late[p] = append(want, "four")
	}
	w.send("four") // and nothing between that and the past
	for p, want := range late {
		code := p.wait()
		if got := contents(printedEvents(t, p)); code != 0 || !slices.Equal(got, want) {
			t.Errorf("%v: %v, code %d, want %v; stderr %s", p.cmd.Args[1:], got, code, want, p.stderr)
		}
	}
}

// The exit code says whose fault it was; stdout stays empty, and stderr says what to do.
func TestConsumeExitCodes(t *testing.T) {
	w := newWorld(t)
	w.secrets = append(w.secrets, wrongSecret)
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		code int
		says string
	}{
		"unknown key":       {[]string{"im.message.recieve_v1"}, nil, 2, messageKey},
		"no key like it":    {[]string{"nonsense"}, nil, 2, "lark-events-mcp list"},
		"no key":            {nil, nil, 2, "one event key"},
		"two keys":          {[]string{messageKey, reactionKey}, nil, 2, "one event key"},
		"unknown flag":      {[]string{messageKey, "--form", "now"}, nil, 2, "--form"},
		"bad number":        {[]string{messageKey, "--max-events", "few"}, nil, 2, "--max-events"},
		"negative number":   {[]string{messageKey, "--max-events", "-1"}, nil, 2, "--max-events"},
		"bad timeout":       {[]string{messageKey, "--timeout", "soon"}, nil, 2, "--timeout"},
		"param without =":   {[]string{messageKey, "--param", "p2p"}, nil, 2, "name=value"},
		"unknown param":     {[]string{messageKey, "--param", "chat=oc_1"}, nil, 2, "chat_id"},
		"param not allowed": {[]string{messageKey, "--param", "chat_type=channel"}, nil, 2, "p2p"},
		"param missing":     {[]string{"event.any"}, nil, 2, "event_type"},
		"param twice":       {[]string{messageKey, "--param", "chat_type=p2p", "--param", "chat_type=group"}, nil, 2, "twice"},
		"bad jq":            {[]string{messageKey, "--jq", ".content |"}, nil, 2, "lark-events-mcp schema " + messageKey},
		"bad cursor":        {[]string{messageKey, "--from", "_AAAA"}, nil, 2, "lark-events-mcp consume"},
		"bad start":         {[]string{messageKey, "--from", "yesterday"}, nil, 2, "yesterday"},
		"no app id":         {[]string{messageKey}, map[string]string{"LARK_APP_ID": ""}, 3, "LARK_APP_ID"},
		"no secret":         {[]string{messageKey}, map[string]string{"LARK_APP_SECRET": ""}, 3, "LARK_APP_SECRET"},
		"no secret file":    {[]string{messageKey}, map[string]string{"LARK_APP_SECRET": "", "LARK_APP_SECRET_FILE": "/nonexistent"}, 3, "LARK_APP_SECRET_FILE"},
		"bad retention":     {[]string{messageKey}, map[string]string{"LARK_EVENTS_RETENTION": "zzz"}, 3, `LARK_EVENTS_RETENTION is "zzz"`},
		"wrong secret":      {[]string{messageKey}, map[string]string{"LARK_APP_SECRET": wrongSecret}, 4, "app secret invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			p, code := w.with(t, test.env).run(append([]string{"consume"}, test.args...)...)
			if code != test.code || p.stdout.String() != "" || !strings.Contains(p.stderr.String(), test.says) {
				t.Errorf("code %d, stdout %q, stderr %q; want code %d and %q on stderr", code, p.stdout, p.stderr, test.code, test.says)
			}
		})
	}
}

func TestConsumeDemoNeedsNoAccount(t *testing.T) {
	w := newWorld(t)
	w.env = map[string]string{"PATH": w.env["PATH"], "HOME": w.env["HOME"], "TMPDIR": w.env["TMPDIR"]}
	p, code := w.run("consume", messageKey, "--demo", "--max-events", "1")
	if code != 0 || len(printedEvents(t, p)) != 1 {
		t.Errorf("code %d, stdout %s, stderr %s", code, p.stdout, p.stderr)
	}
	w.mustBeClean()
}

// mustBeClean checks that nothing is left in the temporary directory or the home of the programs.
func (w *world) mustBeClean() {
	w.t.Helper()
	for _, dir := range []string{w.env["TMPDIR"], w.env["HOME"]} {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 0 {
			w.t.Errorf("left in %s: %v, %v", dir, entries, err)
		}
	}
}

// Warnings of an event's own go with it, not to stderr: stdout has one JSON value a line, whatever came.
func TestConsumePrintsAnEventThatCannotBeProcessed(t *testing.T) {
	w := newWorld(t)
	p := w.start("consume", messageKey, "--max-events", "1", "--jq", ".content")
	p.stderr.await(t, ready)
	w.sendEvent(larksim.Event{Type: messageKey, Body: map[string]any{"surprise": true}})
	p.wait()
	if events := printedEvents(t, p); len(events) != 1 || events[0].Error == nil || !json.Valid(events[0].Data) {
		t.Errorf("printed %s", p.stdout)
	}
}
