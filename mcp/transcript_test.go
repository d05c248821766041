package mcp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

// TestTranscripts plays the conversations in testdata. A line of a transcript is
//
//	# a comment; --push channel --allow-sender ID at its beginning starts the server so
//	> what the client sends
//	! publish TYPE DATA…   an event that arrives, or a few
//	?                      the next notification is waited for
//	< what the server says: the answer to the line before, or the notification
//
// With -update the lines of the server are rewritten.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.transcript")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".transcript"), func(t *testing.T) {
			registerKeys(t, messageDefinition(), reactionDefinition())
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var played string
			synctest.Test(t, func(t *testing.T) { played = play(t, string(text)) })
			if *update {
				if err := os.WriteFile(file, []byte(played), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, got := strings.Split(string(text), "\n"), strings.Split(played, "\n")
			for i := range max(len(want), len(got)) {
				if i >= len(want) || i >= len(got) || want[i] != got[i] {
					t.Fatalf("line %d differs (refresh with -update if that is meant)\n got %s\nwant %s", i+1, at(got, i), at(want, i))
				}
			}
		})
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}

// play returns the transcript with what the server really says.
func play(t *testing.T, transcript string) string {
	consumer := newFakeConsumer()
	c := serve(t, consumer, func(o *Options) {
		if flags, ok := strings.CutPrefix(transcript, "# --push channel --allow-sender "); ok {
			sender, _, _ := strings.Cut(flags, "\n")
			o.Push, o.AllowSenders = PushChannel, []string{sender}
		}
	}).listen()
	var played strings.Builder
	for line := range strings.Lines(transcript) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "<") {
			continue
		}
		played.WriteString(line + "\n")
		answer := func(text json.RawMessage) { played.WriteString("< " + strings.TrimSpace(string(text)) + "\n") }
		switch {
		case line == "?":
			answer(c.note())
		case strings.HasPrefix(line, "! publish "):
			words := strings.Fields(line)
			consumer.publish(words[2], words[3:]...)
		case strings.HasPrefix(line, "> "):
			sent := strings.TrimPrefix(line, "> ")
			c.send(sent)
			var head struct {
				ID     json.RawMessage `json:"id"`
				Method string          `json:"method"`
			}
			switch err := json.Unmarshal([]byte(sent), &head); {
			case err == nil && head.Method == "subscriptions/listen":
				// It is answered when it ends.
			case err == nil && len(head.ID) > 0 && string(head.ID) != "null" && head.ID[0] != '{':
				answer(c.receive(c.answer(string(head.ID)), "answer to "+sent))
			case err != nil || head.Method == "" || string(head.ID) != "":
				answer(c.receive(c.loose, "error for "+sent))
			}
		}
		synctest.Wait()
	}
	if err := c.end(); err != nil {
		t.Errorf("the session ended with %v", err)
	}
	return played.String()
}
