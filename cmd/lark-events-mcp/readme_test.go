//go:build unix

package main_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// The exchanges that README.md shows whole are real.
func TestTheReadmeShowsRealExchanges(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "**list_event_keys**")
	if !ok {
		t.Fatal("README.md does not show list_event_keys")
	}
	_, rest, _ = strings.Cut(rest, "→ ")
	question, rest, _ := strings.Cut(rest, "← ")
	answer, _, _ := strings.Cut(rest, "```")
	var args map[string]any
	if err := json.Unmarshal([]byte(question), &args); err != nil {
		t.Fatal(err)
	}
	got := newWorld(t).agent(modernEra).tool("list_event_keys", args)
	if !reflect.DeepEqual(decode[any](t, got), decode[any](t, answer)) {
		t.Errorf("the answer to %s is %s, README.md shows %s", question, got, answer)
	}
}
