//go:build unix

package main_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// reader is a client that reads all messages, by a process that may be killed. Its methods are for the test's goroutine.
type reader interface {
	name() string
	// resume starts a process that goes on behind what the client has.
	resume()
	// take takes what has come, without waiting for more, and asks for the next.
	take()
	// crash kills the process. What the client had not taken by then is lost to it.
	crash()
	// delivered are the ids of the events that the client has, in the order in which they came.
	delivered() []string
}

// received is what a client has.
type received struct {
	w      *world
	who    string
	events []string
	keys   []string // of the events
	cursor string
}

func (r *received) name() string        { return r.who }
func (r *received) delivered() []string { return r.events }

func (r *received) add(events []event, cursor string, truncated bool) {
	r.w.t.Helper()
	if truncated {
		r.w.t.Errorf("%s was told that events are missing, after %d", r.who, len(r.events))
	}
	for _, e := range events {
		if e.Error != nil {
			r.w.t.Errorf("%s got an event with an error: %+v", r.who, e.Error)
		}
		r.events, r.keys = append(r.events, e.EventID), append(r.keys, e.Key)
	}
	r.cursor = cursor
}

// of are the ids of the events of a key.
func (r *received) of(key string) (found []string) {
	for i, id := range r.events {
		if r.keys[i] == key {
			found = append(found, id)
		}
	}
	return found
}

// from are the subscribe arguments for what follows the cursor; now, if there is none.
func (r *received) from() map[string]any {
	if r.cursor == "" {
		return map[string]any{"key": messageKey}
	}
	return map[string]any{"key": messageKey, "from": r.cursor}
}

// faultPoll is how long a poll of a fault test waits, in seconds: long enough to be under way most of the time, and
// short enough to be awaited where no event may come.
const faultPoll = 2

func pollArgs(random *rand.Rand) map[string]any {
	return map[string]any{"wait_seconds": faultPoll, "max_events": 1 + random.IntN(200)}
}

// agentReader polls a server on stdio.
type agentReader struct {
	received
	random *rand.Rand
	*agent
	asked string // the poll under way
}

func newAgentReader(w *world, who string, random *rand.Rand) *agentReader {
	return &agentReader{received: received{w: w, who: who}, random: random}
}

func (r *agentReader) resume() {
	r.w.t.Helper()
	r.agent, r.asked = r.w.agent(legacyEra), ""
	sub := decode[subscribed](r.w.t, r.tool("subscribe_event", r.from()))
	if r.cursor == "" {
		r.cursor = sub.Cursor
	}
}

func (r *agentReader) take() {
	r.w.t.Helper()
	if r.asked != "" {
		if !r.arrived(r.asked) {
			return
		}
		r.takePage()
	}
	r.asked = r.beginTool("poll_events", pollArgs(r.random))
}

func (r *agentReader) takePage() {
	r.w.t.Helper()
	got := decode[page](r.w.t, r.awaitResult(r.asked))
	r.asked = ""
	r.add(got.Events, got.Cursor, got.Truncated)
}

// crash kills the server, at random between a page and the next call or during a call.
func (r *agentReader) crash() {
	r.w.t.Helper()
	if r.asked != "" && r.random.IntN(2) == 0 {
		r.takePage()
	}
	r.proc.signal(os.Kill)
	r.proc.wait()
}

// arrived reports whether the answer to a request is there; it does not wait.
func (a *agent) arrived(id string) bool {
	a.t.Helper()
	more, _, closed := a.proc.stdout.from(a.read)
	for _, line := range more {
		a.sort(line)
	}
	a.read += len(more)
	_, there := a.answers[id]
	if closed && !there {
		a.t.Fatalf("the server ended before it answered request %s; stderr:\n%s", id, a.proc.stderr)
	}
	return there
}

// webReader polls a server over HTTP.
type webReader struct {
	received
	random *rand.Rand
	proc   *process
	agent  *webAgent
	asked  chan webAnswer // of the poll under way
}

type webAnswer struct {
	text string
	err  error
}

func newWebReader(w *world, who string, random *rand.Rand) *webReader {
	r := &webReader{received: received{w: w, who: who}, random: random}
	w.t.Cleanup(func() { // when the server has ended
		if r.asked != nil {
			<-r.asked
		}
	})
	return r
}

func (r *webReader) resume() {
	r.w.t.Helper()
	r.proc, r.agent = r.w.serveHTTP()
	r.agent.initialize()
	sub := decode[subscribed](r.w.t, r.agent.call("subscribe_event", mustEncode(r.w.t, r.from())))
	if r.cursor == "" {
		r.cursor = sub.Cursor
	}
}

func (r *webReader) take() {
	r.w.t.Helper()
	if r.asked != nil {
		select {
		case answer := <-r.asked:
			r.takePage(answer)
		default:
			return
		}
	}
	asked, message := make(chan webAnswer, 1), toolMessage("poll_events", mustEncode(r.w.t, pollArgs(r.random)))
	r.asked = asked
	go func() { // take, crash, or the test's end waits for it
		_, text, err := r.agent.try(message)
		asked <- webAnswer{text, err}
	}()
}

func (r *webReader) takePage(answer webAnswer) {
	r.w.t.Helper()
	r.asked = nil
	if answer.err != nil {
		r.w.t.Fatalf("%s: %v", r.who, answer.err)
	}
	result := decode[struct{ Result toolResult }](r.w.t, answer.text).Result
	if result.IsError || result.StructuredContent == nil {
		r.w.t.Fatalf("%s polled %s", r.who, answer.text)
	}
	got := decode[page](r.w.t, string(result.StructuredContent))
	r.add(got.Events, got.Cursor, got.Truncated)
}

func (r *webReader) crash() {
	r.w.t.Helper()
	if r.asked != nil && r.random.IntN(2) == 0 {
		r.takePage(<-r.asked)
	}
	r.proc.signal(os.Kill)
	r.proc.wait()
	if r.asked != nil {
		<-r.asked
		r.asked = nil
	}
}

// consumeReader reads the lines of consume.
type consumeReader struct {
	received
	proc *process
	read int // lines of it
}

func newConsumeReader(w *world, who string) *consumeReader {
	return &consumeReader{received: received{w: w, who: who}}
}

func (r *consumeReader) resume() {
	r.w.t.Helper()
	args := []string{"consume", messageKey}
	if r.cursor != "" {
		args = append(args, "--from", r.cursor)
	}
	r.proc, r.read = r.w.start(args...), 0
	if r.cursor == "" {
		r.proc.stderr.await(r.w.t, ready)
	}
}

func (r *consumeReader) take() {
	r.w.t.Helper()
	more, _, closed := r.proc.stdout.from(r.read)
	if closed {
		r.w.t.Fatalf("%s has ended: %s", r.who, r.proc.stderr)
	}
	r.takeLines(more)
}

func (r *consumeReader) takeLines(more []string) {
	r.w.t.Helper()
	r.read += len(more)
	for _, line := range more {
		e := decode[event](r.w.t, line)
		r.add([]event{e}, e.Cursor, false)
	}
}

// crash kills it, and takes what whole lines it had written: they are in the pipe, which outlives it.
func (r *consumeReader) crash() {
	r.w.t.Helper()
	r.proc.signal(os.Kill)
	r.proc.wait()
	whole := strings.Count(r.proc.stdout.String(), "\n")
	r.takeLines(r.proc.stdout.all()[r.read:whole])
}

// faultPause lets a random, short time pass, so that faults do not always strike right behind the same step.
func faultPause(random *rand.Rand, longest time.Duration) {
	<-time.After(time.Duration(random.Int64N(int64(longest))))
}
