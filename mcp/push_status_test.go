package mcp

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestAFailureToStoreIsPushedOnceAndSoIsItsEnd(t *testing.T) {
	registerKeys(t, messageDefinition())
	for mode, wantLogs := range map[PushMode]int{PushAuto: 1, PushLog: 1, PushResource: 0, PushOff: 0} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				consumer := newFakeConsumer()
				c := serve(t, consumer, func(o *Options) { o.Push = mode }).listen().initialize()
				c.subscribe(map[string]any{"key": messageKey})
				c.request("logging/setLevel", map[string]any{"level": "info"})
				c.request("resources/subscribe", map[string]any{"uri": statusURI})
				wantUpdates := 1
				if mode == PushOff {
					wantUpdates = 0
				}
				for _, step := range []struct{ unstored, level, says string }{
					{"the disk is full", `"error"`, "free disk space"}, {"", `"info"`, "stored again"},
				} {
					for range 2 { // the second time, something else about the connection has changed
						consumer.change(func(f *fakeConsumer) {
							f.source.Unstored = step.unstored
							f.source.Reconnects++
						})
						synctest.Wait()
					}
					c.wantNotes(step.level, step.says, wantLogs, wantUpdates)
				}
				c.end()
			})
		})
	}
}

// wantNotes checks the notifications that have come so far.
func (c *client) wantNotes(level, says string, logs, updates int) {
	c.t.Helper()
	var told, updated []string
	for len(c.notes) > 0 {
		switch note := string(<-c.notes); {
		case strings.Contains(note, `"notifications/message"`):
			told = append(told, note)
		case strings.Contains(note, updatedMethod):
			updated = append(updated, note)
		}
	}
	if len(told) != logs || len(updated) != updates {
		c.t.Errorf("told %q and %q, want %d messages and %d updates", told, updated, logs, updates)
	}
	for _, note := range told {
		if !strings.Contains(note, `"level":`+level) || !strings.Contains(note, says) || !strings.Contains(note, `"storage"`) {
			c.t.Errorf("told %s, want level %s and %q", note, level, says)
		}
	}
}
