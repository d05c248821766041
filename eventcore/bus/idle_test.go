package bus

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// idleBus is a bus of which only the watch for idleness runs; done is closed when that ends it.
func idleBus(t *testing.T, opts Options) (b *Bus, ctx context.Context) {
	b = &Bus{opts: opts, log: slog.New(slog.DiscardHandler), consumers: newConsumers()}
	ctx, b.stop = context.WithCancelCause(t.Context())
	go b.watchIdle(ctx)
	return b, ctx
}

func TestABusWithoutConsumersEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, ctx := idleBus(t, Options{Idle: 30 * time.Second})
		<-ctx.Done()
		if lived := time.Since(began); lived != 30*time.Second || context.Cause(ctx) != errIdle {
			t.Errorf("the bus ended after %s: %v", lived, context.Cause(ctx))
		}
	})
}

func TestAConsumerKeepsTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, ctx := idleBus(t, Options{Idle: 30 * time.Second})
		time.Sleep(29 * time.Second)
		consumer := &conn{}
		b.consumers.add(consumer)
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Fatalf("the bus ended beside a consumer: %v", context.Cause(ctx))
		}
		b.consumers.remove(consumer)
		left := time.Now()
		<-ctx.Done()
		if lived := time.Since(left); lived < 30*time.Second || lived > time.Minute {
			t.Errorf("the bus ended %s after its last consumer left", lived)
		}
	})
}

func TestKeepAliveKeepsTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, ctx := idleBus(t, Options{Idle: 30 * time.Second, KeepAlive: true})
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Errorf("the bus ended: %v", context.Cause(ctx))
		}
		b.stop(nil)
	})
}
