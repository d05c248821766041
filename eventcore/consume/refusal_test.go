package consume_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// moody is a source that refuses for as long as it has a refusal.
type moody struct {
	*testutil.Source
	refusal atomic.Pointer[eventcore.Error]
}

func (s *moody) Run(ctx context.Context, sink source.Sink) error {
	if e := s.refusal.Load(); e != nil {
		sink.SetState(source.State{Phase: source.Failed, Since: time.Now(), Detail: e.Message, Err: e})
		return e
	}
	return s.Source.Run(ctx, sink)
}

// refusedBus is a bus whose platform refuses until its source has no refusal any more.
func refusedBus(t *testing.T) (*testutil.RunningBus, *moody) {
	src := &moody{Source: testutil.NewSource()}
	src.refusal.Store(&eventcore.Error{Code: eventcore.CodePlatformError, Message: "the app is disabled", Hint: "enable it"})
	return startBus(t, func(o *bus.Options) { o.Source = src }), src
}

func TestWhatWasRefusedIsTriedAgainBySubscribingAgain(t *testing.T) {
	b, src := refusedBus(t)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	attached, fresh := newClient(t, b), newClient(t, b)
	for range 2 {
		if _, _, err := attached.Subscribe(t.Context(), consume.Request{Key: key}); !eventcore.IsCode(err, eventcore.CodePlatformError) {
			t.Fatalf("while it is refused: %v", err)
		}
	}
	src.refusal.Store(nil)
	for name, c := range map[string]*consume.Client{"that was attached": attached, "that has just come": fresh} {
		if _, _, err := c.Subscribe(t.Context(), consume.Request{Key: key}); err != nil {
			t.Errorf("once the cause is mended, a session %s gets %v", name, err)
		}
		if state := c.Source(); state.Phase != source.Connected {
			t.Errorf("a session %s takes the source for %+v", name, state)
		}
	}
}

func TestASessionThatComesAfterARefusalSeesTheNextTry(t *testing.T) {
	b, src := refusedBus(t)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	if _, _, err := newClient(t, b).Subscribe(t.Context(), consume.Request{Key: key}); err == nil {
		t.Fatal("it was not refused")
	}
	src.refusal.Store(nil)
	if _, _, err := newClient(t, b).Subscribe(t.Context(), consume.Request{Key: key}); err != nil {
		t.Errorf("a new session gets the old refusal: %v", err)
	}
}
