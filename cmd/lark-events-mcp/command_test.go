//go:build unix

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// statusReport is the output of status --json.
type statusReport struct {
	Buses []struct {
		App string `json:"app"`
		*protocol.Status
	} `json:"buses"`
}

func TestStatusShowsTheBus(t *testing.T) {
	w := newWorld(t)
	if p, code := w.run("status"); code != 0 || !strings.Contains(p.stdout.String(), "No bus is running") {
		t.Errorf("without a bus: code %d, %s%s", code, p.stdout, p.stderr)
	}
	if p, code := w.run("status", "--json"); code != 0 || len(decode[statusReport](t, p.stdout.String()).Buses) != 0 {
		t.Errorf("without a bus: code %d, %s%s", code, p.stdout, p.stderr)
	}
	a := w.agent(legacyEra)
	a.listen(messageKey)
	w.send("one")

	p, code := w.run("status", "--json")
	report := decode[statusReport](t, p.stdout.String())
	if code != 0 || len(report.Buses) != 1 {
		t.Fatalf("code %d, %s%s", code, p.stdout, p.stderr)
	}
	b := report.Buses[0]
	if b.App != w.platform.AppID() || b.PID != w.status().PID || b.Domain != w.platform.URL() || b.Source.Phase != "connected" ||
		b.Journal.Events != 1 || b.Counters.Received != 1 || b.Goroutines < 1 || b.Problem != "" {
		t.Errorf("status: %s", p.stdout)
	}
	if len(b.Consumers) != 1 || b.Consumers[0].PID != a.proc.cmd.Process.Pid || b.Consumers[0].Name != "mcp" ||
		strings.Join(b.Consumers[0].Keys, " ") != messageKey {
		t.Errorf("consumers: %+v", b.Consumers)
	}
	p, code = w.run("status")
	table := p.stdout.String()
	for _, want := range []string{"APP", w.platform.AppID(), fmt.Sprint(b.PID), "connected", messageKey} {
		if code != 0 || !strings.Contains(table, want) {
			t.Errorf("code %d; the table lacks %q:\n%s", code, want, table)
		}
	}
}

func TestStopEndsTheBus(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"of the app": {nil, nil},
		"all":        {[]string{"--all"}, map[string]string{"LARK_APP_ID": "", "LARK_APP_SECRET": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			stop := append([]string{"stop"}, test.args...)
			if p, code := w.with(t, test.env).run(stop...); code != 0 || !strings.Contains(p.stdout.String(), "No bus is running") {
				t.Errorf("without a bus: code %d, %s%s", code, p.stdout, p.stderr)
			}
			a := w.agent(legacyEra)
			a.listen(messageKey)
			w.send("before")
			pid := w.status().PID
			p, code := w.with(t, test.env).run(stop...)
			if code != 0 || !strings.Contains(p.stdout.String(), fmt.Sprint(pid)) {
				t.Fatalf("code %d, %s%s", code, p.stdout, p.stderr)
			}
			eventually(t, "the end of the bus's process", func() bool { return !running(pid) })
			// It was told to stop, so no agent brings it back behind the user's back.
			if s := a.status(); s.Bus.Running {
				t.Errorf("after the stop: %+v", s.Bus)
			}
			if e := a.refused("poll_events", nil); e.Code != "bus_unavailable" {
				t.Errorf("a poll after the stop: %+v", e)
			}
			// Asked for something new, it does.
			a.listen(reactionKey)
			a.mustRead("before")
		})
	}
}

// What a bus was started with may be gone, or mistyped, in the shell in which it is to be stopped.
func TestStopNeedsOnlyTheAppID(t *testing.T) {
	w := newWorld(t)
	first := w.start("bus", "--keep-alive")
	first.stderr.await(t, "bus is ready")
	bare := w.with(t, map[string]string{"LARK_APP_SECRET": "", "LARK_APP_SECRET_FILE": "/nonexistent", "LARK_DOMAIN": "nowhere"})
	if p, code := bare.run("stop"); code != 0 {
		t.Errorf("code %d, stderr %s", code, p.stderr)
	}
	first.wait()
}

func TestStopAllGoesOnBehindABusThatCannotBeStopped(t *testing.T) {
	w := newWorld(t)
	// A bus that holds its lock and answers nobody, and comes before the other one in the list.
	mute := w.home.App("cli_0000000000000000")
	if err := mute.Create(); err != nil {
		t.Fatal(err)
	}
	lock, err := busdiscover.Acquire(t.Context(), mute)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release() // before the world looks for buses to end
	listener, err := transport.Listen(mute.Socket())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	defer listener.Close()
	first := w.start("bus", "--keep-alive")
	first.stderr.await(t, "bus is ready")
	p, code := w.run("stop", "--all")
	if code != 1 || !strings.Contains(p.stdout.String(), "Stopped the bus of "+w.platform.AppID()) || !strings.Contains(p.stderr.String(), "end process") {
		t.Errorf("code %d, stdout %q, stderr %q; want the other bus stopped, and a complaint of this one", code, p.stdout, p.stderr)
	}
}

// held takes the lock of the world's bus, which nobody listens for, and names a process of this command line as its
// holder.
func (w *world) held(line string) (lock *busdiscover.Lock, named *process) {
	w.t.Helper()
	if err := w.app().Create(); err != nil {
		w.t.Fatal(err)
	}
	lock, err := busdiscover.Acquire(w.t.Context(), w.app())
	if err != nil {
		w.t.Fatal(err)
	}
	named = w.startProgram("/bin/sh", "-c", "cd '"+w.app().Dir+"'; "+line)
	named.stdout.await(w.t, "started")
	if err := os.WriteFile(w.app().PID(), fmt.Append(nil, named.cmd.Process.Pid), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return lock, named
}

// A bus that opens a large journal of an older version has the lock for long before it listens.
func TestStopEndsABusThatDoesNotListenYet(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("without a /proc no process is ended")
	}
	w := newWorld(t)
	lock, bus := w.held("exec 9<bus.lock; echo started; exec cat")
	stop := w.start("stop")
	if code := bus.wait(); code != -1 {
		t.Errorf("it ended with %d, not by a signal", code)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if code := stop.wait(); code != 0 || !strings.Contains(stop.stdout.String(), "Stopped the bus") {
		t.Errorf("code %d, stderr %s", code, stop.stderr)
	}
}

// The id may be another machine's that shares the state directory; here it is somebody else's.
func TestStopEndsNoProcessThatIsNotTheBus(t *testing.T) {
	w := newWorld(t)
	lock, other := w.held("echo started; exec cat")
	defer lock.Release()
	if p, code := w.run("stop"); code != 1 || !strings.Contains(p.stderr.String(), "has not ended") {
		t.Errorf("code %d, stderr %s", code, p.stderr)
	}
	if !running(other.cmd.Process.Pid) {
		t.Error("a process that is not the bus was ended")
	}
}

func TestStopWithoutAnAppSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	p, code := w.with(t, map[string]string{"LARK_APP_ID": ""}).run("stop")
	if code != 3 || !strings.Contains(p.stderr.String(), "LARK_APP_ID") || !strings.Contains(p.stderr.String(), "--all") {
		t.Errorf("code %d, stderr %s", code, p.stderr)
	}
}

func TestASecondBusIsRefused(t *testing.T) {
	w := newWorld(t)
	first := w.start("bus", "--keep-alive")
	first.stderr.await(t, "bus is ready")
	p, code := w.run("bus")
	if code != 1 || !strings.Contains(p.stderr.String(), fmt.Sprint(first.cmd.Process.Pid)) || !strings.Contains(p.stderr.String(), "stop") {
		t.Errorf("code %d, stderr %s", code, p.stderr)
	}
	if _, code := w.run("stop"); code != 0 {
		t.Errorf("stop ended with %d", code)
	}
	if code := first.wait(); code != 0 {
		t.Errorf("the stopped bus ended with code %d: %s", code, first.stderr)
	}
}

func TestListShowsTheKeys(t *testing.T) {
	w := newWorld(t)
	p, code := w.run("list")
	for _, want := range []string{"KEY", messageKey, reactionKey, "event.any", "chat_type"} {
		if code != 0 || !strings.Contains(p.stdout.String(), want) {
			t.Errorf("code %d; the table lacks %q:\n%s%s", code, want, p.stdout, p.stderr)
		}
	}
	p, code = w.run("list", "--domain", "im", "--json")
	listed := decode[struct {
		Keys []struct {
			Key, Title, Description string
			Auth, Params            []string
		}
	}](t, p.stdout.String())
	if code != 0 || len(listed.Keys) < 11 {
		t.Errorf("code %d, %d keys", code, len(listed.Keys))
	}
	for _, k := range listed.Keys {
		if !strings.HasPrefix(k.Key, "im.") || k.Title == "" || k.Description == "" || len(k.Auth) == 0 || k.Params == nil {
			t.Errorf("listed: %+v", k)
		}
	}
	if p, code := w.run("list", "--domain", "nope"); code != 2 || !strings.Contains(p.stderr.String(), "im") {
		t.Errorf("an unknown domain: code %d, %s", code, p.stderr)
	}
}

func TestSchemaShowsAKey(t *testing.T) {
	w := newWorld(t)
	p, code := w.run("schema", messageKey)
	for _, want := range []string{messageKey, "im:message.p2p_msg:readonly", "chat_type", "one-to-one chats", "Payload schema", "Example"} {
		if code != 0 || !strings.Contains(p.stdout.String(), want) {
			t.Errorf("code %d; the text lacks %q:\n%s%s", code, want, p.stdout, p.stderr)
		}
	}
	p, code = w.run("schema", messageKey, "--json")
	described := decode[map[string]any](t, p.stdout.String())
	for _, member := range []string{"key", "title", "description", "event_type", "auth_types", "scopes", "params_schema", "payload_schema", "example"} {
		if code != 0 || described[member] == nil {
			t.Errorf("code %d; %s is missing", code, member)
		}
	}
	if p, code := w.run("schema", "im.message.recieve_v1"); code != 2 || !strings.Contains(p.stderr.String(), messageKey) {
		t.Errorf("an unknown key: code %d, %s", code, p.stderr)
	}
}

func TestVersion(t *testing.T) {
	w := newWorld(t)
	p, code := w.run("version", "--json")
	told := decode[map[string]any](t, p.stdout.String())
	if code != 0 || told["version"] == "" || told["go"] != runtime.Version() || told["os"] != runtime.GOOS || told["bus_protocol"] != float64(protocol.Version) {
		t.Errorf("code %d, %s", code, p.stdout)
	}
	if p, code := w.run("version"); code != 0 || !strings.HasPrefix(p.stdout.String(), "lark-events-mcp ") {
		t.Errorf("code %d, %s", code, p.stdout)
	}
}

func TestACommandLineThatMakesNoSense(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{
		{"sevre"}, {"--no-such-flag"}, {"serve", "--push", "loud"}, {"serve", "extra"}, {"status", "extra"},
		{"--log-level", "loud", "status"}, {"--log-format", "xml", "status"}, {"bus", "--retention", "long"}, {"bus", "--retention-size", "big"},
	} {
		p, code := w.run(args...)
		if code != 2 || p.stdout.String() != "" || p.stderr.String() == "" {
			t.Errorf("%v: code %d, stdout %q, stderr %q, want code 2 and a word on stderr", args, code, p.stdout, p.stderr)
		}
	}
	if p, code := w.run("--help"); code != 0 || !strings.Contains(p.stdout.String(), "LARK_APP_ID") {
		t.Errorf("--help: code %d, %s", code, p.stdout)
	}
}

func TestAnUnknownDomainIsAnsweredWithEachThatThereIs(t *testing.T) {
	w := newWorld(t)
	p, code := w.run("list", "--domain", "nope")
	if said := p.stderr.String(); code != 2 || strings.Count(said, " im,") != 1 || strings.Count(said, " v1,") != 1 {
		t.Errorf("code %d: %s", code, p.stderr)
	}
}

func TestAStateDirectoryThatCannotBeUsedIsAMatterOfConfiguration(t *testing.T) {
	world, file := newWorld(t), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, home := range map[string]string{
		"below a file":          filepath.Join(file, "state"),
		"too long for a socket": filepath.Join(t.TempDir(), strings.Repeat("a", 120)),
	} {
		w := world.with(t, map[string]string{"LARK_EVENTS_HOME": home})
		for _, command := range []string{"bus", "consume " + messageKey} {
			if p, code := w.run(strings.Fields(command)...); code != 3 || !strings.Contains(p.stderr.String(), "LARK_EVENTS_HOME") {
				t.Errorf("%s, %s: code %d: %s", name, command, code, p.stderr)
			}
		}
	}
}

func TestWithoutAPlaceForItsStateTheProgramIsNotConfigured(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what else names a place differs here")
	}
	w := newWorld(t).with(t, map[string]string{"LARK_EVENTS_HOME": "", "XDG_STATE_HOME": "", "HOME": ""})
	for _, command := range []string{"status", "stop", "consume " + messageKey} {
		if p, code := w.run(strings.Fields(command)...); code != 3 || !strings.Contains(p.stderr.String(), "LARK_EVENTS_HOME") {
			t.Errorf("%s: code %d: %s", command, code, p.stderr)
		}
	}
}
