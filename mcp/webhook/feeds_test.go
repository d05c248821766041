package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

const journal = "j1"

// fakeFeeds is a journal in memory whose events all feeds return.
type fakeFeeds struct {
	mu       sync.Mutex
	events   []Occurrence
	oldest   eventcore.Position // events up to it have left the journal
	more     chan struct{}      // closed at the next event
	open     int
	opened   int
	readErr  error
	againErr error // of reads that do not wait
	canonErr error
	problem  error
	openErr  error
	closedAt []time.Time
}

func newFakeFeeds() *fakeFeeds { return &fakeFeeds{more: make(chan struct{})} }

// publish appends events with the data given.
func (f *fakeFeeds) publish(data ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range data {
		n := len(f.events) + 1
		f.events = append(f.events, Occurrence{
			EventID: fmt.Sprintf("e%d", n), Name: "test.event", Timestamp: time.Now(), Data: json.RawMessage(d), Cursor: at(n),
		})
	}
	f.wake()
}

func (f *fakeFeeds) wake() {
	close(f.more)
	f.more = make(chan struct{})
}

// change alters the journal, and lets reads look again.
func (f *fakeFeeds) change(change func(f *fakeFeeds)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
	f.wake()
}

// at is the cursor after the nth event.
func at(n int) eventcore.Cursor {
	return eventcore.Cursor{Journal: journal, After: eventcore.Position(n * 10)}
}

// Canonical makes one value of "me" and "ann", as far as the platform can be asked.
func (f *fakeFeeds) Canonical(_ context.Context, name string, arguments json.RawMessage) (json.RawMessage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.canonErr != nil {
		return nil, f.canonErr
	}
	checked, err := f.Checked(name, arguments)
	return bytes.ReplaceAll(checked, []byte(`"me"`), []byte(`"ann"`)), err
}

func (f *fakeFeeds) Checked(name string, arguments json.RawMessage) (json.RawMessage, error) {
	if name != "test.event" {
		return nil, eventcore.UnknownKey(name)
	}
	var params map[string]any
	if len(arguments) > 0 {
		if err := json.Unmarshal(arguments, &params); err != nil {
			return nil, &eventcore.Error{Code: eventcore.CodeInvalidParams, Message: "arguments must be an object"}
		}
	}
	return json.Marshal(params)
}

func (f *fakeFeeds) Open(_ context.Context, name string, _ json.RawMessage, cursor *string, _ time.Duration) (Feed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.openErr != nil {
		return nil, f.openErr
	}
	feed := &fakeFeed{feeds: f, start: at(len(f.events))}
	if cursor != nil {
		var err error
		if feed.start, err = eventcore.ParseCursor(*cursor); err != nil {
			return nil, err
		}
		if feed.start.After < f.oldest {
			feed.start.After, feed.truncated = f.oldest, true
		}
	}
	f.open++
	f.opened++
	return feed, nil
}

type fakeFeed struct {
	feeds     *fakeFeeds
	start     eventcore.Cursor
	truncated bool
}

func (f *fakeFeed) Start() eventcore.Cursor { return f.start }
func (f *fakeFeed) Truncated() bool         { return f.truncated }

func (f *fakeFeed) Close(context.Context) error {
	f.feeds.mu.Lock()
	defer f.feeds.mu.Unlock()
	f.feeds.open--
	f.feeds.closedAt = append(f.feeds.closedAt, time.Now())
	return nil
}

func (f *fakeFeed) Read(ctx context.Context, from eventcore.Cursor, limit int, wait time.Duration) (Page, error) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		page, more, err := f.page(from, limit, wait)
		if err != nil || wait <= 0 || len(page.Occurrences) > 0 || page.Truncated {
			return page, err
		}
		select {
		case <-more:
		case <-timeout.C:
			return page, nil
		case <-ctx.Done():
			return Page{}, ctx.Err()
		}
	}
}

func (f *fakeFeed) page(from eventcore.Cursor, limit int, wait time.Duration) (page Page, more chan struct{}, err error) {
	f.feeds.mu.Lock()
	defer f.feeds.mu.Unlock()
	if f.feeds.readErr != nil {
		return Page{}, nil, f.feeds.readErr
	}
	if wait <= 0 && f.feeds.againErr != nil {
		return Page{}, nil, f.feeds.againErr
	}
	page.Next, page.Problem = from, f.feeds.problem
	if from.After < f.feeds.oldest {
		from.After, page.Truncated = f.feeds.oldest, true
		page.Next = from
	}
	for _, o := range f.feeds.events {
		if o.Cursor.After <= from.After {
			continue
		}
		if len(page.Occurrences) == limit {
			break
		}
		page.Occurrences = append(page.Occurrences, o)
		page.Next = o.Cursor
	}
	return page, f.feeds.more, nil
}
