package consume

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// runner runs hooks. Those that may call the API run when it is waited for them, in as many goroutines as the key allows.
type runner struct {
	ctx  context.Context
	jobs map[*Subscription][]func()
}

func newRunner(ctx context.Context) *runner {
	return &runner{ctx: ctx, jobs: map[*Subscription][]func(){}}
}

// hooks runs a subscription's hooks on an event and puts the result, nil for a dropped event, into to by the time
// that wait returns.
func (r *runner) hooks(sub *Subscription, one *item, to **Event) {
	if sub.Key.Match != nil && !matches(sub, one.raw) {
		return
	}
	if sub.Key.Process == nil {
		*to = one.outcome(r.ctx, sub, func() *Event { return sub.deliver(r.ctx, one.raw, one.raw.Payload, nil) })
		return
	}
	r.jobs[sub] = append(r.jobs[sub], func() {
		*to = one.outcome(r.ctx, sub, func() *Event { return r.process(sub, one.raw) })
	})
}

// process runs Process when it is the event's turn. It returns nil if the event is dropped, or the whole read given up.
func (r *runner) process(sub *Subscription, raw *eventcore.RawEvent) *Event {
	select {
	case sub.workers <- struct{}{}:
		defer func() { <-sub.workers }()
	case <-r.ctx.Done():
		return nil
	}
	ctx := newPatience(r.ctx)
	defer ctx.end()
	data, err := sub.process(ctx, raw)
	if err == nil && data == nil {
		return nil
	}
	return sub.deliver(r.ctx, raw, data, err)
}

// wait returns when all results are there.
func (r *runner) wait() {
	var work sync.WaitGroup
	defer work.Wait()
	for sub, jobs := range r.jobs {
		var begun atomic.Int64
		for range min(cap(sub.workers), len(jobs)) {
			work.Go(func() {
				for n := begun.Add(1); n <= int64(len(jobs)); n = begun.Add(1) {
					jobs[n-1]()
				}
			})
		}
	}
}

// matches runs Match; one that panics keeps the event, so that a fault of ours hides nothing.
func matches(sub *Subscription, raw *eventcore.RawEvent) (keep bool) {
	defer func() {
		if recover() != nil {
			keep = true
		}
	}()
	return sub.Key.Match(raw, sub.Params)
}

func (s *Subscription) process(ctx context.Context, raw *eventcore.RawEvent) (data json.RawMessage, err error) {
	defer recovered("Process", s.Key.Key, &err)
	return s.Key.Process(ctx, s.api, raw, s.Params)
}

// deliver makes the subscriber's event, or nil if the filter drops it. With err, what is known is delivered, or
// else the event as it came; the filter, which might look for what is missing, does not decide.
func (s *Subscription) deliver(ctx context.Context, raw *eventcore.RawEvent, data json.RawMessage, err error) *Event {
	event := &Event{
		Subscription: s, EventID: raw.EventID, EventType: raw.EventType, Time: eventTime(raw), Received: raw.Timestamp,
		Data: data, Raw: raw.Payload,
	}
	if err != nil {
		failure := *eventcore.AsError(err)
		if data == nil {
			failure.Message = "the event could not be processed and is delivered as it came: " + failure.Message
			event.Data = raw.Payload
		}
		event.Err = &failure
		return event
	}
	keep, err := s.filter.Keep(ctx, data)
	if err != nil {
		event.Err = filterFailed(err)
		return event
	}
	if !keep {
		return nil
	}
	return event
}

// eventTime is when the platform created an event: V2 envelopes say it in milliseconds (those of callbacks, in the
// platform's documentation, in microseconds), V1 in seconds with a fraction. Without it, or with nonsense, it is when
// the event arrived.
func eventTime(raw *eventcore.RawEvent) time.Time {
	whole, fraction, _ := strings.Cut(raw.SourceTime, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	var at time.Time
	switch {
	case err != nil || n <= 0:
		return raw.Timestamp.UTC()
	case fraction != "" || n < 1e11: // seconds, until the year 5138
		at = time.Unix(n, 0)
	case n < 1e14:
		at = time.UnixMilli(n)
	default:
		at = time.UnixMicro(n)
	}
	if at.UTC().Year() > 9999 { // RFC 3339, in which it is told, has no form for it
		return raw.Timestamp.UTC()
	}
	return at.UTC()
}
