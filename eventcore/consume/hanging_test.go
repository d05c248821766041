package consume

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// stubbornClient is a client of a bus that answers requests as it is told: with nothing, where that is "".
func stubbornClient(t *testing.T, answer func(req *protocol.Request) string) *Client {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		in := protocol.NewReader(theirs, protocol.MaxRequestLine)
		for {
			var req protocol.Request
			if in.Read(&req) != nil {
				return
			}
			said := answer(&req)
			if req.Hello != nil {
				said = `"welcome":{"version":1,"pid":4711,"journal":"j1","source":{"phase":"connected"}}`
			}
			if said != "" {
				fmt.Fprintf(theirs, "{\"id\":%d,%s}\n", req.ID, said)
			}
		}
	}()
	l, err := open(t.Context(), ours, protocol.Hello{})
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{})
	c.link = l
	return c
}

func registerKey(t *testing.T, def eventcore.KeyDefinition) {
	def.EventType, def.Description = def.Key, "a key"
	def.Schema = eventcore.SchemaDef{Native: &eventcore.SchemaSpec{Raw: []byte(`{"type":"object"}`)}}
	eventcore.RegisterKey(def)
	t.Cleanup(func() { eventcore.UnregisterKeyForTest(def.Key) })
}

// Who cancels is not kept by a bus that does not answer any more where the subscription begins for the next one.
func TestACancelledSubscribeDoesNotWaitForABusThatHangs(t *testing.T) {
	registerKey(t, eventcore.KeyDefinition{Key: "t.plain"})
	synctest.Test(t, func(t *testing.T) {
		seeks, acquired := 0, make(chan struct{})
		c := stubbornClient(t, func(req *protocol.Request) string {
			switch {
			case req.Seek != nil:
				if seeks++; seeks == 1 {
					return `"position":{"after":1}`
				}
			case req.Acquire != nil:
				<-acquired
				return `"acquired":{"first":true}`
			}
			return ""
		})
		subscribe := func(from string) (cancel func(), ended chan error) {
			ctx, cancel := context.WithCancel(t.Context())
			ended = make(chan error, 1)
			go func() {
				_, _, err := c.Subscribe(ctx, Request{Key: "t.plain", From: from})
				ended <- err
			}()
			synctest.Wait()
			return cancel, ended
		}
		cancelFirst, first := subscribe("now")
		cancelNext, next := subscribe("earliest")
		cancelFirst()
		<-first
		close(acquired)
		synctest.Wait() // it is asked where earliest is
		began := time.Now()
		cancelNext()
		if err := <-next; !errors.Is(err, context.Canceled) || time.Since(began) > 0 {
			t.Errorf("it ends with %v after %v", err, time.Since(began))
		}
		_ = c.Close(t.Context())
	})
}

// A client that is closed waits no longer than it may for a bus that does not answer how a cleanup went.
func TestCloseDoesNotWaitForABusThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		registerKey(t, eventcore.KeyDefinition{Key: "t.slow", PreConsume: func(context.Context, eventcore.APIClient, map[string]string) (func() error, error) {
			return func() error {
				<-finish
				return nil
			}, nil
		}})
		settles := 0
		c := stubbornClient(t, func(req *protocol.Request) string {
			switch {
			case req.Seek != nil:
				return `"position":{"after":1}`
			case req.Acquire != nil:
				return `"acquired":{"first":true}`
			case req.Release != nil:
				return `"released":{"last":true}`
			case req.Settle != nil:
				if settles++; settles == 1 {
					return `"done":{}`
				}
			}
			return ""
		})
		if _, _, err := c.Subscribe(t.Context(), Request{Key: "t.slow"}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := c.Close(ctx); err == nil || time.Since(began) > time.Second {
			t.Errorf("Close returns %v after %v", err, time.Since(began))
		}
		close(finish)
	})
}

// A client that is closed cuts off what the platform is asked for those who have gone, as soon as it may wait no longer.
func TestClosingCutsOffWhatNobodyWaitsFor(t *testing.T) {
	finish := func(context.Context) (func() error, error) { return func() error { return nil }, nil }
	hang := func(ctx context.Context) (func() error, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, c := range map[string]struct {
		prepare func(context.Context) (func() error, error)
		cleanup bool // that hangs, of one that is there
	}{"PreConsume": {hang, false}, "a cleanup": {finish, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cleaned := make(chan struct{})
				registerKey(t, eventcore.KeyDefinition{Key: "t.slow", PreConsume: func(ctx context.Context, _ eventcore.APIClient, _ map[string]string) (func() error, error) {
					cleanup, err := c.prepare(ctx)
					if c.cleanup {
						cleanup = func() error {
							<-cleaned
							return nil
						}
					}
					return cleanup, err
				}})
				client := stubbornClient(t, func(req *protocol.Request) string {
					switch {
					case req.Seek != nil:
						return `"position":{"after":1}`
					case req.Acquire != nil:
						return `"acquired":{"first":true}`
					case req.Release != nil:
						return `"released":{"last":true}`
					case req.Settle != nil:
						return `"done":{}`
					}
					return ""
				})
				ctx, cancel := context.WithCancel(t.Context())
				if c.cleanup {
					if err := Untaken(ctx, client, Request{Key: "t.slow"}); err != nil {
						t.Fatal(err)
					}
				} else {
					go client.Subscribe(ctx, Request{Key: "t.slow"})
				}
				synctest.Wait() // the hook hangs
				cancel()
				synctest.Wait()
				began := time.Now()
				_ = client.Close(ctx)
				if took := time.Since(began); took > 0 {
					t.Errorf("Close took %v with a context that had ended", took)
				}
				close(cleaned)
			})
		})
	}
}
