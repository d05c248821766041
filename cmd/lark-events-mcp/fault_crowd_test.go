//go:build unix

package main_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

const (
	boardKey = "board.whiteboard.updated_v1" // needs a subscribe call of its own
	boardID  = "Ru8nwrWFOhEmaFbEU2VbPRsHcxb"
)

// board is the platform's side of the subscription to a whiteboard.
type board struct {
	mu            sync.Mutex
	on            bool
	calls         [2]int // to subscribe, to unsubscribe
	again, absent int    // subscribed although it was, unsubscribed although it was not
}

func newBoard(p *larksim.Platform) *board {
	b := &board{}
	for i, action := range []string{"subscribe", "unsubscribe"} {
		p.Handle("POST", "/open-apis/board/v1/whiteboards/{id}/"+action, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			b.turn(i == 0)
			io.WriteString(rw, `{"code":0,"msg":"success","data":{}}`)
		}))
	}
	return b
}

func (b *board) turn(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case on && b.on:
		b.again++
	case !on && !b.on:
		b.absent++
	}
	if b.on = on; on {
		b.calls[0]++
	} else {
		b.calls[1]++
	}
}

func (b *board) isOn() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.on
}

// member is an MCP server of the crowd, which comes, and goes in one way or another.
type member struct {
	agentReader
	joining []string // the subscribe calls that are not answered yet
	stays   bool     // nobody has ended it
	came    time.Time
	since   int // events that had been sent when it was subscribed
}

func (m *member) listening() bool { return m.stays && len(m.joining) == 0 }

// crowd are eight places for members, which are taken again and again, and one agent that stays.
type crowd struct {
	*world
	random   *rand.Rand
	ledger   ledger
	board    *board
	survivor *agentReader
	places   [8]*member
	gone     []*member // all that were ended in an orderly way
	done     []*member // all that were ended
	faults   int       // kills
	killed   int       // the bus that was killed last
	killedAt time.Time
}

func TestFaultCrowd(t *testing.T) {
	w := newWorld(t, faultPlatform())
	random := testutil.FaultRandom(t)
	c := &crowd{
		world: w, random: random, ledger: ledger{w: w}, board: newBoard(w.platform), survivor: newAgentReader(w, "the survivor", random),
	}
	c.survivor.resume()
	limit := time.Duration(testutil.Faults(t, 6, 120)) * time.Second
	for began := time.Now(); time.Since(began) < limit; {
		c.step()
	}
	c.end()
}

// step lets events happen and, at random, members come or one of them or the bus go.
func (c *crowd) step() {
	c.t.Helper()
	for range 1 + c.random.IntN(5) {
		c.ledger.text()
	}
	if slices.ContainsFunc(c.places[:], func(m *member) bool { return m != nil && m.listening() }) {
		c.mustBeSubscribed()
		c.ledger.send(larksim.Event{Type: boardKey, Body: map[string]any{
			"whiteboard_id": boardID, "operator_ids": []any{map[string]any{"open_id": larksim.Ada.OpenID}},
		}})
	}
	switch n := c.random.IntN(20); {
	case n == 0:
		c.killBus()
	case n == 1: // all leave in an orderly way, while others come
		for place := range c.places {
			c.goAway(place, 1+place%2)
		}
		c.come(3)
	case n < 7:
		c.come(1 + c.random.IntN(4))
	default:
		c.goAway(c.random.IntN(len(c.places)), c.random.IntN(4))
	}
	c.survivor.take()
	for _, m := range c.places {
		if m != nil {
			m.attend(&c.ledger)
		}
	}
	c.mustBeOneBus()
	faultPause(c.random, 100*time.Millisecond)
}

// mustBeSubscribed claims that the whiteboard is subscribed on the platform while somebody listens to it. Behind the
// death of a bus there may be a moment without: who is back first, and leaves, is the last one that the new bus knows.
func (c *crowd) mustBeSubscribed() {
	c.t.Helper()
	if c.board.isOn() {
		return
	}
	if time.Since(c.killedAt) > 10*time.Second {
		c.t.Error("somebody listens to the whiteboard, and it is not subscribed on the platform")
	}
	eventually(c.t, "those who are back subscribe to the whiteboard", c.board.isOn)
}

// come lets new members take up to n of the free places, at once.
func (c *crowd) come(n int) {
	c.t.Helper()
	var fresh []*member
	for i, m := range c.places {
		if len(fresh) < n && (m == nil || !m.stays) {
			c.places[i] = &member{agentReader: *newAgentReader(c.world, fmt.Sprintf("member %d", len(c.done)+i), c.random), stays: true}
			c.places[i].agent = c.silentAgent(legacyEra)
			fresh = append(fresh, c.places[i])
		}
	}
	for _, m := range fresh {
		m.introduce()
		m.came = time.Now()
		m.joining = []string{
			m.beginTool("subscribe_event", subscribeArgs(boardKey, map[string]any{"params": map[string]any{"whiteboard_id": boardID}})),
			m.beginTool("subscribe_event", subscribeArgs(messageKey)),
		}
	}
}

// attend takes what came for a member.
func (m *member) attend(l *ledger) {
	m.w.t.Helper()
	if !m.stays {
		return
	}
	wasJoining := len(m.joining) > 0
	m.joining = slices.DeleteFunc(m.joining, func(id string) bool {
		arrived := m.arrived(id)
		if arrived {
			m.awaitResult(id)
		}
		return arrived
	})
	if len(m.joining) > 0 {
		return
	}
	if wasJoining {
		m.since = len(l.entries)
	}
	m.take()
}

// goAway ends the member at a place, if there is one: 0 kills it, 1 closes its stdin, another number interrupts it.
func (c *crowd) goAway(place, how int) {
	c.t.Helper()
	m := c.places[place]
	if m == nil || !m.stays {
		return
	}
	m.stays = false
	c.done = append(c.done, m)
	switch how {
	case 0:
		c.faults++
		m.proc.signal(os.Kill)
		m.proc.wait()
		return
	case 1:
		m.proc.stdin.Close()
	default:
		m.proc.signal(os.Interrupt)
	}
	c.gone = append(c.gone, m)
}

// killBus kills the bus, if there is one that was not killed yet.
func (c *crowd) killBus() {
	c.t.Helper()
	b, held := busdiscover.Running(c.app())
	if !held || b.PID <= 1 || b.PID == c.killed || !running(b.PID) {
		return
	}
	c.kill(b.PID)
	c.faults++
	c.killed, c.killedAt = b.PID, time.Now()
}

// mustBeOneBus claims that no two processes are at work as the bus: only a bus has the journal open.
func (c *crowd) mustBeOneBus() {
	c.t.Helper()
	var buses []int
	for _, pid := range processesOf(binary) {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		if err != nil {
			c.t.Fatal(err)
		}
		if slices.ContainsFunc(files, func(file string) bool {
			target, err := os.Readlink(file)
			return err == nil && target == c.app().Journal()
		}) {
			buses = append(buses, pid)
		}
	}
	if len(buses) > 1 {
		c.t.Errorf("the processes %v have the journal open", buses)
	}
}

// end lets everybody read to the end and leave, and settles the accounts.
func (c *crowd) end() {
	t := c.t
	t.Helper()
	var staying []*member
	readers := []reader{c.survivor}
	for _, m := range c.places {
		if m != nil && m.stays {
			eventually(t, m.who+" is subscribed", func() bool { m.attend(&c.ledger); return m.listening() })
			staying, readers = append(staying, m), append(readers, m)
		}
	}
	c.ledger.finish(readers...)
	stored := c.status().Journal.Events
	messages := c.journaled(messageKey, c.count(messageKey))
	boards := c.journaled(boardKey, c.count(boardKey))
	c.ledger.log(stored, readers)
	if stored != len(c.ledger.entries) {
		t.Errorf("the journal has %d events, %d were sent", stored, len(c.ledger.entries))
	}
	sameOrder(t, c.survivor.who, c.survivor.delivered(), messages)
	for _, m := range slices.Concat(c.done, staying) {
		c.mustHaveRun(m, messageKey, messages)
		c.mustHaveRun(m, boardKey, boards)
	}
	for i, m := range c.places {
		if m != nil {
			c.goAway(i, 1+i%2)
		}
	}
	for _, m := range c.gone {
		if code := m.proc.wait(); code != 0 {
			t.Errorf("%s ended with code %d: %s", m.who, code, m.proc.stderr)
		}
	}
	c.settleAccounts()
}

// settleAccounts takes over what killed members may have left, and ends it.
func (c *crowd) settleAccounts() {
	t := c.t
	t.Helper()
	a := c.agent(legacyEra)
	sub := a.listen(boardKey, map[string]any{"params": map[string]any{"whiteboard_id": boardID}})
	if left := decode[unsubscribed](t, a.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})); left.Cleanup != "done" {
		t.Errorf("the last one left: %+v", left)
	}
	b := c.board
	t.Logf("%d members came, %d kills; the platform was asked to subscribe %d times (%d of them in place of somebody killed) and to unsubscribe %d times",
		len(c.done), c.faults, b.calls[0], b.again, b.calls[1])
	if b.on || b.absent > 0 || b.again > c.faults || b.calls[0]-b.again != b.calls[1] {
		t.Errorf("the whiteboard is subscribed: %v; unsubscribed %d times when it was not; subscribed %d times when it was, after %d kills",
			b.on, b.absent, b.again, c.faults)
	}
	if scopes := c.status().Scopes; len(scopes) != 0 {
		t.Errorf("the bus remembers %+v", scopes)
	}
}

func (c *crowd) count(kind string) (n int) {
	for _, e := range c.ledger.entries {
		if e.kind == kind {
			n++
		}
	}
	return n
}

// mustHaveRun claims that a member got a part of the journal without a gap: nothing of before it came, and if it
// stays, everything that was sent since it was subscribed.
func (c *crowd) mustHaveRun(m *member, key string, journal []string) {
	t := c.t
	t.Helper()
	got := m.of(key)
	start := len(journal)
	if len(got) > 0 {
		if start = slices.Index(journal, got[0]); start < 0 {
			t.Errorf("%s got %s, which is not in the journal", m.who, got[0])
			return
		}
		sameOrder(t, m.who+", "+key, got, journal[start:min(start+len(got), len(journal))])
	}
	for _, e := range c.ledger.entries {
		if e.acknowledged().Before(m.came) && slices.Contains(got, e.receipt.EventID) {
			t.Errorf("%s got event %s of %s, which had been acknowledged before it came", m.who, e.receipt.EventID, key)
		}
	}
	if !m.stays {
		return
	}
	if start+len(got) != len(journal) {
		t.Errorf("%s stayed, and has events %d to %d of %d of %s", m.who, start, start+len(got), len(journal), key)
	}
	for _, e := range c.ledger.entries[m.since:] {
		if e.kind == key && !slices.Contains(got, e.receipt.EventID) {
			t.Errorf("%s lacks event %s of %s, which was sent after it had subscribed", m.who, e.receipt.EventID, key)
		}
	}
}
