package mcp

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// reviving is a consumer of a bus whose connection comes back when somebody subscribes, if mended.
type reviving struct {
	*fakeConsumer
	asked  int
	mended bool
}

func (r *reviving) Subscribe(ctx context.Context, req consume.Request) (*consume.Subscription, bool, error) {
	r.asked++
	if state := r.Source(); state.Phase == source.Failed && !r.mended && req.From == "" {
		return nil, false, state.Err
	}
	if r.mended {
		r.change(func(f *fakeConsumer) { f.source, f.readErr = source.State{Phase: source.Connected}, nil })
	}
	return r.fakeConsumer.Subscribe(ctx, req)
}

// webhookFeeds returns the feeds of a server whose consumers newConsumer makes.
func webhookFeeds(t *testing.T, newConsumer func() (Consumer, error)) webhook.Feeds {
	server := NewServer(Options{Consumer: newConsumer})
	t.Cleanup(func() { server.Close(context.Background()) })
	return server.Feeds()
}

func openWebhookFeed(t *testing.T, feeds webhook.Feeds) webhook.Feed {
	t.Helper()
	begin := eventcore.Cursor{Journal: "j1"}.String()
	feed, err := feeds.Open(t.Context(), messageKey, json.RawMessage(`{}`), &begin, 0)
	if err != nil {
		t.Fatal(err)
	}
	return feed
}

// A feed that nothing comes into any more says so, and its next read asks for what is missing: nobody else will.
func TestAFeedOfAWebhookAsksForWhatWasLost(t *testing.T) {
	refused := &eventcore.Error{Code: eventcore.CodeCredentialsMissing, Message: "app secret invalid"}
	for name, lose := range map[string]func(f *fakeConsumer){
		"a connection that was refused": func(f *fakeConsumer) { f.source = source.State{Phase: source.Failed, Err: refused} },
		"a bus that was stopped":        func(f *fakeConsumer) { f.readErr = refused },
	} {
		t.Run(name, func(t *testing.T) {
			registerKeys(t, messageDefinition())
			synctest.Test(t, func(t *testing.T) {
				consumer := &reviving{fakeConsumer: newFakeConsumer()}
				feed := openWebhookFeed(t, webhookFeeds(t, func() (Consumer, error) { return consumer, nil }))
				read := func() (webhook.Page, error) {
					return feed.Read(t.Context(), feed.Start(), 10, time.Minute)
				}
				consumer.publish(messageKey, `1`)
				consumer.change(lose)
				if page, err := read(); consumer.readErr == nil && (err != nil || len(page.Occurrences) != 1) {
					t.Errorf("what is there was read as %+v, %v", page, err)
				}
				consumer.change(func(f *fakeConsumer) { f.events = nil })
				began := time.Now()
				for range 10 {
					if page, err := read(); err == nil || !strings.Contains(err.Error(), "app secret invalid") {
						t.Fatalf("read %+v, %v", page, err)
					}
				}
				if took := time.Since(began); took != 0 || consumer.asked > 2 {
					t.Errorf("10 reads took %v, and asked %d times", took, consumer.asked-1)
				}
				consumer.mended = true
				time.Sleep(reviveInterval)
				consumer.publish(messageKey, `2`)
				if page, err := read(); err != nil || len(page.Occurrences) != 1 || consumer.subscriptions() != 1 {
					t.Errorf("when it can come back: %+v, %v, %d subscriptions", page, err, consumer.subscriptions())
				}
			})
		})
	}
}

// What all webhooks of one consumer may ask of the bus at once is less than what it answers.
func TestWebhooksShareConsumersByWhatTheyRead(t *testing.T) {
	registerKeys(t, messageDefinition())
	all := newFleet()
	feeds := webhookFeeds(t, all.next)
	const many = 100
	for range many {
		feed := openWebhookFeed(t, feeds)
		defer feed.Close(context.Background())
	}
	if n, want := len(all.all()), many*webhook.ReadsAtOnce/laneReads; n != want || laneReads > protocol.MaxPending {
		t.Errorf("%d webhooks share %d consumers, want %d", many, n, want)
	}
}

func TestArgumentsOfAWebhookAreCheckedWithoutABus(t *testing.T) {
	registerKeys(t, messageDefinition())
	feeds := webhookFeeds(t, func() (Consumer, error) { return nil, &eventcore.Error{Code: eventcore.CodeBusUnavailable} })
	one, err := feeds.Checked(messageKey, json.RawMessage(`{"min_length":"7","chat_type":"p2p"}`))
	other, otherErr := feeds.Checked(messageKey, json.RawMessage(`{"chat_type":"p2p", "min_length":7, "mentions_me":false}`))
	if err != nil || otherErr != nil || string(one) != string(other) {
		t.Errorf("got %s %v and %s %v", one, err, other, otherErr)
	}
	if _, err := feeds.Checked(messageKey, json.RawMessage(`{"chat":1}`)); !eventcore.IsCode(err, eventcore.CodeInvalidParams) {
		t.Errorf("got %v", err)
	}
}
