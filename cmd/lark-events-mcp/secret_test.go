//go:build unix

package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// Every test checks at its end that no secret is in what was printed or stored. This one makes programs say as much
// as they can, and checks that the check looks where the events are.
func TestSecretsAreNowhere(t *testing.T) {
	w := newWorld(t)
	bus := w.start("bus", "--keep-alive", "--log-level", "debug", "--log-format", "json")
	bus.stderr.await(t, "bus is ready")
	a := w.agent(legacyEra, "--log-level", "debug", "--push", "log")
	a.request("logging/setLevel", map[string]any{"level": "debug"})
	a.listen(messageKey)
	a.listen("event.any", map[string]any{"params": map[string]any{"event_type": messageKey}})
	raw := a.listen("event.any", map[string]any{"params": map[string]any{"event_type": "approval_instance"}})

	const marker = "marker of what an event says"
	w.send(marker)
	// The old envelope has the token elsewhere.
	w.awaitAck(w.platform.SendBody(fmt.Appendf(nil,
		`{"uuid":"v1-event","token":%q,"ts":"1700000000.123","type":"event_callback","event":{"type":"approval_instance","status":"PENDING"}}`,
		larksim.VerificationToken), larksim.Delivery{}))
	// And a body that is no event may hold it too.
	w.awaitAck(w.platform.SendBody(fmt.Appendf(nil, `{"token":%q,"surprise":true}`, larksim.VerificationToken), larksim.Delivery{}))
	a.collect(3)
	for _, uri := range []string{"lark-event://status", raw.uri()} {
		a.request("resources/read", map[string]any{"uri": uri})
	}
	a.note(logMethod)
	w.run("status")
	w.run("status", "--json")
	w.run("consume", "event.any", "--param", "event_type="+messageKey, "--from", "earliest", "--max-events", "1")
	a.proc.stdin.Close()
	a.proc.wait()
	w.run("stop")
	bus.wait()

	seen := 0
	for _, text := range w.files() {
		seen += strings.Count(text, marker)
	}
	if seen == 0 {
		t.Error("the event is in none of the files that are searched for secrets")
	}
	if !strings.Contains(bus.stderr.String(), `"level"`) || !strings.Contains(a.proc.stdout.String(), marker) {
		t.Error("what the programs said was not collected")
	}
}

func TestFilesArePrivate(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	w.send("private")
	err := filepath.Walk(w.app().Dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSecretIsNotAmongTheArguments(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	for _, pid := range []int{a.proc.cmd.Process.Pid, w.status().PID} {
		arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if os.IsNotExist(err) {
			t.Skip("this system has no /proc")
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(arguments, []byte(filepath.Base(binary))) {
			t.Errorf("process %d is %q", pid, arguments)
		}
		w.checkText(fmt.Sprintf("the arguments of process %d", pid), string(arguments))
	}
}
