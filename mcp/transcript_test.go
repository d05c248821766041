package mcp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// TestTranscripts plays the conversations in testdata, on every transport. A file is one conversation, or a txtar archive
// with one for each rule. A line of a conversation is
//
//	# a comment; at the beginning it may say how the conversation is played, see setting
//	> what the client sends; $modern stands for the _meta that a request of protocol 2026-07-28 brings along
//	! what happens, see stage.do
//	?                      the next notification is waited for
//	= ID                   the answer to the request ID is waited for, which is a stream
//	-                      there is no notification that was not waited for
//	@                      the next request to the endpoint of webhooks is waited for
//	< what the server says: the answer to the line before, or the notification
//
// With -update the lines of the server are rewritten.
func TestTranscripts(t *testing.T) {
	var files []string
	for _, pattern := range []string{"testdata/*.transcript", "testdata/*.txtar"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	for transport, connect := range transports() {
		for _, file := range files {
			base := filepath.Base(file)
			t.Run(transport+"/"+strings.TrimSuffix(base, filepath.Ext(base)), func(t *testing.T) {
				registerKeys(t, messageDefinition(), reactionDefinition())
				archive, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if len(archive.Files) == 0 {
					archive.Comment = []byte(playOn(t, connect, string(archive.Comment)))
				}
				for i, conversation := range archive.Files {
					if !settingOf(string(conversation.Data)).isFor(transport) {
						continue
					}
					t.Run(conversation.Name, func(t *testing.T) {
						archive.Files[i].Data = []byte(playOn(t, connect, string(conversation.Data)))
					})
				}
				if *update {
					if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// playOn plays a conversation and compares, or with -update returns, what the server really says.
func playOn(t *testing.T, connect connect, text string) (played string) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, consumer: newFakeConsumer()}
		settingOf(text).set(s, connect)
		played = s.play(text)
	})
	if *update {
		return played
	}
	want, got := strings.Split(text, "\n"), strings.Split(played, "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("line %d differs (refresh with -update if that is meant)\n got %s\nwant %s", i+1, at(got, i), at(want, i))
		}
	}
	return text
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}

// stage is a conversation under way.
type stage struct {
	t        *testing.T
	consumer *fakeConsumer
	peer     peer
	endpoint *hookEndpoint // of webhooks, where they are offered
}

const modernMeta = `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

// play returns the transcript with what the server really says.
func (s *stage) play(transcript string) string {
	var played strings.Builder
	for line := range strings.Lines(transcript) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "<") {
			continue
		}
		played.WriteString(line + "\n")
		said := func(text json.RawMessage) { played.WriteString("< " + strings.TrimSpace(string(text)) + "\n") }
		switch {
		case line == "?":
			said(s.peer.note())
		case line == "-":
			if note, there := s.peer.unread(); there {
				said(note)
			}
		case line == "@":
			said(s.endpoint.next())
		case strings.HasPrefix(line, "= "):
			said(s.peer.reply(strings.TrimPrefix(line, "= ")))
		case strings.HasPrefix(line, "! "):
			s.do(strings.Fields(line)[1:])
		case strings.HasPrefix(line, "> "):
			sent := strings.ReplaceAll(strings.TrimPrefix(line, "> "), "$modern", modernMeta)
			s.peer.send(sent)
			s.answered(sent, said)
		}
		synctest.Wait()
	}
	if err := s.peer.end(); err != nil {
		s.t.Errorf("the session ended with %v", err)
	}
	return played.String()
}

// answered waits for the answer to a message, if one is due at once.
func (s *stage) answered(sent string, said func(json.RawMessage)) {
	var head struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	switch err := json.Unmarshal([]byte(sent), &head); {
	case err == nil && (head.Method == "subscriptions/listen" || head.Method == "events/stream"):
		// It is answered when it ends.
	case err == nil && len(head.ID) > 0 && string(head.ID) != "null" && head.ID[0] != '{':
		said(s.peer.reply(string(head.ID)))
	case err != nil || head.Method == "" || string(head.ID) != "":
		said(s.peer.fault())
	}
}

// do makes something happen:
//
//	initialize             the handshake
//	publish TYPE DATA…     an event, or a few; !DATA is one whose lookup failed
//	wait 15s               time
//	keep N                 events but the last N leave the journal
//	source PHASE           the connection to the platform
//	read CODE              reads fail; ok: they do not
//	subscribe CODE         likewise, subscriptions
//	as NAME                the client becomes this principal, over HTTP
//	endpoint STATUS        the endpoint of webhooks answers with it from now on
//	hang up                the client goes: its output ends, or its connections
//	shut down              the server is told to end
func (s *stage) do(words []string) {
	fail := func(to *error) {
		if *to = nil; words[1] != "ok" {
			*to = &eventcore.Error{Code: eventcore.Code(words[1]), Message: "it was made to fail", Hint: "wait"}
		}
	}
	switch words[0] {
	case "initialize":
		s.peer.initialize()
	case "publish":
		s.consumer.publish(words[1], words[2:]...)
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d)
	case "keep":
		var n int
		if err := json.Unmarshal([]byte(words[1]), &n); err != nil {
			s.t.Fatal(err)
		}
		s.consumer.change(func(f *fakeConsumer) { f.oldest = f.head().After - eventcore.Position(n) })
	case "source":
		s.consumer.change(func(f *fakeConsumer) { f.source = source.State{Phase: source.Phase(words[1])}; f.more.fire() })
	case "read":
		s.consumer.change(func(f *fakeConsumer) { fail(&f.readErr); f.more.fire() })
	case "subscribe":
		s.consumer.change(func(f *fakeConsumer) { fail(&f.subscribeErr) })
	case "as":
		s.peer.(*httpPeer).become("of " + words[1])
	case "endpoint":
		s.endpoint.answer(s.t, words[1])
	case "hang":
		s.peer.hangUp()
	case "shut":
		s.peer.shutDown()
	default:
		s.t.Fatalf("what is %q", words)
	}
}
