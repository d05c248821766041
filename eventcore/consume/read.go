package consume

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

const (
	// MaxPage is the largest limit of a page.
	MaxPage = 200
	// MaxPageBytes is the largest limit of a page's events.
	MaxPageBytes = 2 << 20
	// fetchedPerPage is how many bytes of events, for each of a page that is smaller, are asked of the bus at once: data is
	// mostly smaller than the event that it is of, and what does not fit is asked for again.
	fetchedPerPage = 4
	// besideData is what an event counts in bytes beside its data: its ids, type, time and cursor, as a reader gets them.
	besideData = 256
)

// Limit bounds a page.
type Limit struct {
	// Events is from 1 to MaxPage; numbers beyond it count as the nearest.
	Events int
	// Bytes bounds about what the events take as JSON, which the first one may exceed; 0, and what is above it, is MaxPageBytes.
	Bytes int
}

func (l Limit) clamped() Limit {
	l.Events = min(max(l.Events, 1), MaxPage)
	if l.Bytes < 1 || l.Bytes > MaxPageBytes {
		l.Bytes = MaxPageBytes
	}
	return l
}

// fillTime is how long a read goes on looking for events to fill its page, once it has some.
const fillTime = 500 * time.Millisecond

// Read returns the events after the given cursors, in journal order: at least one if there is any, and no more
// than the limit allows. An event that several of the subscriptions match is never split over pages, so that the smallest of
// the cursors is as good a place to go on from as all of them; one that exceeds a limit alone makes a page. If there is none it waits up to wait, and returns at once when ctx ends, with its error. A bus that is
// lost meanwhile is got back to. Reading changes nothing: the same read gives the same page again, for as long as the events
// are retained.
//
// A failed Process or filter is reported in the event, and never ends the read.
func (c *Client) Read(ctx context.Context, at []At, limit Limit, wait time.Duration) (*Page, error) {
	if len(at) == 0 {
		return nil, errors.New("read: no subscription given")
	}
	r := &reader{client: c, at: at, limit: limit.clamped(), began: time.Now(), wait: wait}
	err := c.onLink(ctx, mayRestart, func(l *link) error { return r.run(ctx, l) })
	if err != nil {
		return nil, err
	}
	return r.page, nil
}

// reader is one call of Read.
type reader struct {
	client *Client
	at     []At
	limit  Limit
	began  time.Time
	wait   time.Duration

	next []eventcore.Position // for each At
	full bool                 // the page takes no more
	size int                  // of the page's data, in bytes
	page *Page
}

// run reads a page over one link, from its beginning.
func (r *reader) run(ctx context.Context, l *link) error {
	r.next = make([]eventcore.Position, len(r.at))
	r.page, r.full, r.size = &Page{Filtered: make([]int, len(r.at))}, false, 0
	var types []string
	for i, at := range r.at {
		after, foreign, err := r.client.positionOf(ctx, l, at.Cursor)
		if err != nil {
			return err
		}
		r.next[i] = after
		r.page.Truncated = r.page.Truncated || foreign
		if !slices.Contains(types, at.Subscription.eventType) {
			types = append(types, at.Subscription.eventType)
		}
	}
	for {
		batch, err := r.fetch(ctx, l, types)
		if err != nil {
			return err
		}
		switch rewound, err := r.rewind(ctx, l, batch.head); {
		case err != nil:
			return err
		case rewound:
			continue
		}
		before := slices.Min(r.next)
		if err := r.take(ctx, l, batch); err != nil {
			return err
		}
		if batch.more && !r.full && slices.Min(r.next) == before {
			return strangeAnswer(l.welcome.PID) // asking again would bring the same, without end
		}
		if r.finished(batch) {
			break
		}
	}
	for _, next := range r.next {
		r.page.Next = append(r.page.Next, l.cursor(next))
	}
	r.page.Source, _ = l.state()
	return nil
}

// fetch asks for what is still wanted, and waits only for the first event.
func (r *reader) fetch(ctx context.Context, l *link, types []string) (*batch, error) {
	after, limit := slices.Min(r.next), r.limit.Events-len(r.page.Events)
	deadline := r.began.Add(r.wait)
	if len(r.page.Events) > 0 || r.page.Truncated || time.Until(deadline) < time.Millisecond { // the unit of waits
		return l.fetch(ctx, after, types, Limit{limit, fetchedPerPage * r.limit.Bytes}.clamped(), 0)
	}
	shared, leave := l.tails.enter(l, types)
	defer leave()
	return shared.read(ctx, after, limit, deadline)
}

// rewind sets positions behind the journal's head, which this journal as it is now never gave out, to its
// beginning, and reports whether there were any. The head that a batch tells may be older than a position: others may
// have asked for the batch before, and a bus publishes events a moment after they can be read. The bus is asked then.
func (r *reader) rewind(ctx context.Context, l *link, head eventcore.Position) (rewound bool, err error) {
	if slices.Max(r.next) <= head {
		return false, nil
	}
	if head, err = seekTo(ctx, l, &protocol.Seek{Head: true}); err != nil {
		return false, err
	}
	for i := range r.next {
		if r.next[i] > head {
			r.next[i], r.page.Truncated, rewound = 0, true, true
		}
	}
	return rewound, nil
}

// take runs the hooks on a batch's events, adds the results to the page in journal order, and moves the positions
// behind what was looked at. It ends the page before an event whose results do not all fit, unless it is the first.
func (r *reader) take(ctx context.Context, l *link, batch *batch) error {
	r.page.Truncated = r.page.Truncated || batch.gap
	for items := range slices.Chunk(batch.items, r.group()) {
		fits, err := r.takeGroup(ctx, l, items)
		if err != nil {
			return err
		}
		if !fits {
			r.page.HasMore, r.full = true, true
			return nil
		}
	}
	r.advance(batch.next)
	r.page.HasMore, r.full = batch.more, len(r.page.Events) >= r.limit.Events || r.size >= r.limit.Bytes
	return nil
}

// group is how many events are processed before it is looked at whether they fit: of a small page as few as keep the
// workers busy, because what does not fit is processed again for the next one, and may have to be looked up.
func (r *reader) group() int {
	if r.limit.Bytes >= MaxPageBytes {
		return MaxPage
	}
	workers := 1
	for _, at := range r.at {
		workers = max(workers, cap(at.Subscription.workers))
	}
	return workers
}

// takeGroup takes a few events, and reports whether all of them fit.
func (r *reader) takeGroup(ctx context.Context, l *link, items []*item) (fits bool, err error) {
	results, err := r.process(ctx, items)
	if err != nil {
		return false, err
	}
	for _, item := range results {
		n, size := item.kept()
		if n > 0 && len(r.page.Events) > 0 && (len(r.page.Events)+n > r.limit.Events || r.size+size > r.limit.Bytes) {
			return false, nil
		}
		r.size += size
		for _, result := range item.results {
			if result.event == nil {
				r.page.Filtered[result.at]++
				continue
			}
			event := *result.event // which others may have as well
			event.Cursor = l.cursor(item.position)
			r.page.Events = append(r.page.Events, event)
		}
		r.advance(item.position)
	}
	return true, nil
}

// advance moves positions that lie before after.
func (r *reader) advance(after eventcore.Position) {
	for i := range r.next {
		r.next[i] = max(r.next[i], after)
	}
}

// finished reports whether the page is to be returned as it is.
func (r *reader) finished(batch *batch) bool {
	switch {
	case r.full:
		return true
	case batch.more:
		return len(r.page.Events) > 0 && time.Since(r.began) > fillTime
	default:
		return len(r.page.Events) > 0 || r.page.Truncated || time.Since(r.began) >= r.wait
	}
}

// itemResults are the results of one event of the journal.
type itemResults struct {
	position eventcore.Position
	results  []result
}

// kept is how many events the page gets, and about how many bytes they take there.
func (i itemResults) kept() (n, size int) {
	for _, result := range i.results {
		if result.event != nil {
			n++
			size += besideData + len(result.event.Data)
			if failure := result.event.Err; failure != nil {
				size += besideData + len(failure.Message) + len(failure.Hint)
			}
		}
	}
	return n, size
}

// result is what became of an event for one subscription; a nil event was dropped.
type result struct {
	at    int
	event *Event
}

// process runs the hooks of all subscriptions that events match: the events of one subscription beside each other, as
// far as the key's Workers allow.
func (r *reader) process(ctx context.Context, events []*item) ([]itemResults, error) {
	items := make([]itemResults, len(events))
	run := newRunner(ctx)
	for i, one := range events {
		items[i].position = one.position
		for n, at := range r.at {
			if at.Subscription.eventType == one.raw.EventType && one.position > r.next[n] {
				items[i].results = append(items[i].results, result{at: n})
			}
		}
		for k := range items[i].results {
			to := &items[i].results[k]
			run.hooks(r.at[to.at].Subscription, one, &to.event)
		}
	}
	run.wait()
	return items, ctx.Err()
}
