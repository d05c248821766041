package mcp

import (
	"context"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// filtering is a consumer of which each read drops events.
type filtering struct {
	*fakeConsumer
	dropped int
}

func (f *filtering) Read(ctx context.Context, at []consume.At, limit consume.Limit, wait time.Duration) (*consume.Page, error) {
	page, err := f.fakeConsumer.Read(ctx, at, limit, wait)
	if err == nil {
		page.Filtered[0] = f.dropped
	}
	return page, err
}

// An operator sees webhooks that fail: nobody else may look for days.
func TestTheMetricsTellOfWebhooks(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := &filtering{newFakeConsumer(), 2}
	server := NewServer(Options{Consumer: func() (Consumer, error) { return consumer, nil },
		Status: func(ctx context.Context) (*protocol.Status, error) { return consumer.Status(ctx) }})
	defer server.Close(context.Background())
	w := &fakeWebhooks{}
	server.OfferWebhooks(w)
	metrics := server.Metrics()
	consumer.publish(messageKey, `1`, `2`, `3`)
	first, second := openWebhookFeed(t, server.Feeds()), openWebhookFeed(t, server.Feeds())
	at := func(n int) eventcore.Cursor { return eventcore.Cursor{Journal: "j1", After: eventcore.Position(n)} }
	w.stand = []webhook.Standing{
		{Name: messageKey, Active: true, Cursor: at(2), Feed: first}, {Name: messageKey, Cursor: at(0), Feed: second},
		{Name: messageKey, Active: true, Cursor: at(0)}, // whose feed is not open
	}
	if _, err := first.Read(t.Context(), first.Start(), 10, time.Second); err != nil {
		t.Fatal(err)
	}
	got := scrape(t, metrics)
	for name, want := range map[string]string{
		`webhooks{key="` + messageKey + `",state="active"}`:                 "2",
		`webhooks{key="` + messageKey + `",state="suspended"}`:              "1",
		`webhook_lag_events{key="` + messageKey + `",subscription="sub_1"}`: "3",
		`filtered_total{by="webhook",key="` + messageKey + `"}`:             "2",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %s, of %v", name, got[name], want, got)
		}
	}
}
