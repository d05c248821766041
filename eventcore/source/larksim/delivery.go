package larksim

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

// message is an event until it is acknowledged or given up.
type message struct {
	body     []byte
	how      Delivery
	attempts int
	codes    []int
	began    time.Time
	// settled is called once, with the platform's lock held; it must not block.
	settled func(Outcome)
}

// attempt is one delivery of a message, until it is answered or overdue.
type attempt struct {
	id      string
	message *message
	due     time.Time
	over    bool
}

// retry is a message that waits for its next attempt.
type retry struct {
	message *message
	due     time.Time
}

// accept takes a new message and makes its first attempt.
func (p *Platform) accept(m *message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m.began = time.Now()
	p.counts.Sent++
	p.try(m)
	p.changed.Broadcast()
}

// try sends m on one connection at random. The lock is held.
func (p *Platform) try(m *message) {
	m.attempts++
	if m.attempts > 1 {
		p.counts.Redelivered++
	}
	if len(p.live) == 0 {
		p.counts.Unreachable++
		p.failed(m, 0)
		return
	}
	p.serial++
	a := &attempt{
		id: "sim-" + strconv.FormatUint(p.serial, 36), message: m, due: time.Now().Add(p.options.AckTimeout),
	}
	p.unanswered[a.id] = a
	for len(p.overdue) > 0 && p.overdue[0].over {
		p.overdue = p.overdue[1:]
	}
	p.overdue = append(p.overdue, a)
	p.counts.Delivered++
	p.put(p.live[rand.IntN(len(p.live))], a)
}

// put writes the frames of an attempt.
func (p *Platform) put(c *conn, a *attempt) {
	m := a.message
	kind := frame.TypeEvent
	if m.how.Card {
		kind = frame.TypeCard
	}
	size := m.how.ChunkSize
	if size == 0 {
		size = p.options.ChunkSize
	}
	chunks := [][]byte{m.body}
	if size > 0 && len(m.body) > size {
		chunks = slices.Collect(slices.Chunk(m.body, size))
	}
	order := make([]int, len(chunks), len(chunks)+1)
	for i := range order {
		order[i] = i
	}
	order = m.how.arrange(order, m.attempts)
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	for _, seq := range order {
		c.sendFrame(&frame.Frame{
			SeqID: p.serial, LogID: p.serial, Service: serviceID, Method: frame.MethodData,
			Headers: frame.Headers{
				{Key: frame.HeaderTimestamp, Value: now},
				{Key: frame.HeaderMessageID, Value: a.id},
				{Key: frame.HeaderSum, Value: strconv.Itoa(len(chunks))},
				{Key: frame.HeaderSeq, Value: strconv.Itoa(seq)},
				{Key: frame.HeaderTraceID, Value: a.id},
				{Key: frame.HeaderType, Value: kind},
			},
			Payload: chunks[seq],
		})
	}
}

// answered takes an acknowledgement or a refusal.
func (p *Platform) answered(id string, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.changed.Broadcast()
	a, ok := p.unanswered[id]
	if !ok {
		p.counts.StrayAcks++
		return
	}
	p.forget(a)
	if code != http.StatusOK {
		p.counts.Refused++
		p.failed(a.message, code)
		return
	}
	p.counts.Acked++
	p.settle(a.message, code, true)
}

// failed plans the next attempt, or gives up. The lock is held.
func (p *Platform) failed(m *message, code int) {
	if m.attempts > len(p.options.Redelivery) {
		p.counts.GaveUp++
		p.settle(m, code, false)
		return
	}
	m.codes = append(m.codes, code)
	p.later = append(p.later, retry{m, time.Now().Add(p.options.Redelivery[m.attempts-1])})
}

func (p *Platform) settle(m *message, code int, acknowledged bool) {
	m.settled(Outcome{
		Acknowledged: acknowledged, Attempts: m.attempts, Codes: append(m.codes, code), Took: time.Since(m.began),
	})
}

func (p *Platform) forget(a *attempt) {
	a.over = true
	delete(p.unanswered, a.id)
}

// sweep looks for attempts that are overdue and for messages whose next attempt is due, until Close.
func (p *Platform) sweep() {
	ticker := time.NewTicker(max(time.Millisecond, min(p.options.AckTimeout/16, 20*time.Millisecond)))
	defer ticker.Stop()
	for {
		select {
		case <-p.closing:
			return
		case now := <-ticker.C:
			p.sweepAt(now)
		}
	}
}

func (p *Platform) sweepAt(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := false
	for len(p.overdue) > 0 && (p.overdue[0].over || now.After(p.overdue[0].due)) {
		a := p.overdue[0]
		p.overdue = p.overdue[1:]
		if !a.over {
			p.forget(a)
			p.counts.TimedOut++
			p.failed(a.message, 0)
			changed = true
		}
	}
	waiting := p.later
	p.later = nil
	for _, r := range waiting {
		if now.Before(r.due) {
			p.later = append(p.later, r)
			continue
		}
		p.try(r.message)
		changed = true
	}
	if changed {
		p.changed.Broadcast()
	}
}
