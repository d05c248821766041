package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

func TestEndOfInputEndsWaitsAndTheSession(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		waiting := c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50}))
		synctest.Wait()
		began := time.Now()
		if err := c.end(); err != nil {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("ending took %v", took)
		}
		if page := decode[pollResult](t, c.toolResult(waiting)); len(page.Events) != 0 {
			t.Errorf("the wait that was cut short returned %+v", page)
		}
		if !consumer.closed {
			t.Error("the consumer was not closed")
		}
	})
}

func TestRequestsBeforeTheEndOfInputAreAnswered(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, newFakeConsumer()).listen()
		id := c.start("tools/list", nil)
		last := `{"jsonrpc":"2.0","id":"last","method":"ping"}` // without a line break
		if _, err := io.WriteString(c.in, last); err != nil {
			t.Fatal(err)
		}
		c.end()
		c.await(id)
		c.await(`"last"`)
	})
}

func TestEndOfContextEndsTheSession(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50}))
		synctest.Wait()
		interrupted := errors.New("interrupted")
		began := time.Now()
		c.stop(interrupted)
		if err := c.wait(); !errors.Is(err, interrupted) {
			t.Errorf("ended with %v, want the context's cause", err)
		}
		if took := time.Since(began); took > time.Second || !consumer.closed {
			t.Errorf("ending took %v, closed the consumer: %v", took, consumer.closed)
		}
		c.in.Close()
	})
}

// hangingConsumer does not come back from Subscribe, and takes its time to close.
type hangingConsumer struct {
	*fakeConsumer
	closing time.Duration
}

func (h *hangingConsumer) Close(ctx context.Context) error {
	select {
	case <-time.After(h.closing):
	case <-ctx.Done():
	}
	return errors.Join(ctx.Err(), h.fakeConsumer.Close(ctx))
}

func TestEndingIsNotHeldUp(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := &hangingConsumer{newFakeConsumer(), time.Minute}
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		began := time.Now()
		c.end()
		if took := time.Since(began); took > 1900*time.Millisecond {
			t.Errorf("ending took %v", took)
		}
	})
}

func TestClosedOutputEndsTheSession(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		c.out.Close()
		c.start("ping", nil)
		if err := c.wait(); err == nil || !strings.Contains(err.Error(), "write to the client") {
			t.Errorf("ended with %v", err)
		}
		if !consumer.closed {
			t.Error("the consumer was not closed")
		}
	})
}

func TestOversizedLineIsSkipped(t *testing.T) {
	c := serve(t, newFakeConsumer()).listen()
	c.send(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("y", maxLineBytes) + `"}}`)
	answer := decode[rpc](t, c.receive(c.loose, "error"))
	if answer.Error.Code != mcpgo.INVALID_REQUEST || !strings.Contains(answer.Error.Message, "4194304") {
		t.Errorf("answered %+v", answer.Error)
	}
	c.send("\r\n  \n")
	if answer := c.request("ping", nil); answer.Error != nil {
		t.Errorf("afterwards: %+v", answer.Error)
	}
	c.send(strings.Repeat(" ", 5<<20)) // too long as well, though blank
	c.receive(c.loose, "error")
	c.end()
}

func TestIDsInUseAreRefused(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		wait := `"method":"tools/call","params":{"name":"poll_events","arguments":{"wait_seconds":50}}}`
		c.send(`{"jsonrpc":"2.0","id":77,` + wait)
		c.send(`{"jsonrpc":"2.0","id":77,"method":"ping"}`)
		if answer := decode[rpc](t, c.receive(c.loose, "error")); answer.Error.Code != mcpgo.INVALID_REQUEST {
			t.Errorf("answered %+v", answer.Error)
		}
		// "77" is another id than 77, also for cancelling.
		c.send(`{"jsonrpc":"2.0","id":"77",` + wait)
		c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"77"}}`)
		synctest.Wait()
		// A cancelled id is free at once.
		c.send(`{"jsonrpc":"2.0","id":"77","method":"ping"}`)
		c.await(`"77"`)
		consumer.publish(messageKey, `1`)
		c.await("77")
		c.end()
	})
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		var waiting []string
		for range maxRequests {
			waiting = append(waiting, c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50})))
		}
		synctest.Wait()
		refused := c.request("tools/list", nil)
		if refused.Error == nil || refused.Error.Code != codeBusy {
			t.Errorf("request %d was answered %+v", maxRequests+1, refused)
		}
		if answer := c.request("ping", nil); answer.Error != nil {
			t.Errorf("whether the server lives: %+v", answer.Error)
		}
		c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + waiting[0] + `}}`)
		if answer := c.request("tools/list", nil); answer.Error != nil {
			t.Errorf("with room again: %+v", answer.Error)
		}
		c.end()
	})
}

// A client that does not read gets everything once it does; meanwhile memory is bounded, because those who have
// something to say wait.
func TestClientThatDoesNotReadLosesNothing(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		const events = 1000
		consumer := newFakeConsumer()
		c := serve(t, consumer)
		c.send(`{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
		c.send(`{"jsonrpc":"2.0","id":"l","method":"logging/setLevel","params":{"level":"debug"}}`)
		synctest.Wait()
		c.send(`{"jsonrpc":"2.0","id":"s","method":"tools/call","params":{"name":"subscribe_event","arguments":{"key":"` + messageKey + `"}}}`)
		synctest.Wait()
		for n := range events {
			consumer.publish(messageKey, fmt.Sprint(n))
		}
		synctest.Wait()
		if reads := consumer.count(); reads > outboxDepth+2 {
			t.Errorf("%d pages were read for a client that does not take them", reads)
		}
		c.listen()
		for n := 0; n < events; {
			note := decode[struct {
				Method string
				Params struct{ Data struct{ Event eventView } }
			}](t, c.note())
			if note.Method == mcpgo.MethodNotificationResourcesListChanged {
				continue
			}
			if got := string(note.Params.Data.Event.Data); got != fmt.Sprint(n) {
				t.Fatalf("notification %d is of event %s", n, got)
			}
			n++
		}
		c.await(`"s"`)
		c.end()
	})
}

// What is answered from a goroutine of its own, and what the reading loop refuses itself.
func TestClientThatNeverReadsDoesNotHoldUpTheEnd(t *testing.T) {
	registerKeys(t, messageDefinition())
	interrupted := errors.New("interrupted")
	lines := map[string]func(n int) string{
		"requests":   func(n int) string { return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/list"}`, n) },
		"not JSON":   func(int) string { return "not JSON at all" },
		"one id":     func(int) string { return `{"jsonrpc":"2.0","id":1,"method":"tools/list"}` },
		"initialize": func(n int) string { return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"initialize"}`, n) },
	}
	endings := map[string]func(c *client) error{
		"closed stdin": func(c *client) error { return c.end() },
		"signal":       func(c *client) error { c.stop(interrupted); return c.wait() },
	}
	for what, line := range lines {
		for how, end := range endings {
			t.Run(what+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := serve(t, newFakeConsumer())
					sent := make(chan struct{})
					go func() {
						defer close(sent)
						for n := range 2*outboxDepth + maxRequests {
							io.WriteString(c.in, line(n)+"\n")
						}
					}()
					synctest.Wait()
					began := time.Now()
					if err := end(c); err != nil && !errors.Is(err, interrupted) {
						t.Errorf("ended with %v", err)
					}
					if took := time.Since(began); took > 1900*time.Millisecond {
						t.Errorf("ending took %v", took)
					}
					c.in.Close()
					<-sent
				})
			})
		}
	}
}

func TestClientThatSendsAndNeverReadsIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, newFakeConsumer())
		go func() {
			for {
				if _, err := io.WriteString(c.in, "not JSON at all\n"); err != nil {
					return
				}
			}
		}()
		if err := c.wait(); err == nil || !strings.Contains(err.Error(), "does not read") {
			t.Errorf("ended with %v", err)
		}
		c.in.Close()
	})
}

func TestPanicsBecomeErrors(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	sub := c.subscribe(map[string]any{"key": messageKey})
	consumer.change(func(f *fakeConsumer) { f.panicOnRead = true })
	if e := c.toolError("poll_events", nil); e["code"] != "internal" || e["hint"] == "" {
		t.Errorf("the tool's error is %v", e)
	}
	answer := c.request("resources/read", map[string]any{"uri": "lark-event://subscriptions/" + sub.SubscriptionID})
	if answer.Error == nil || answer.Error.Code != mcpgo.INTERNAL_ERROR {
		t.Errorf("the resource answered %+v", answer)
	}
	consumer.change(func(f *fakeConsumer) { f.panicOnRead = false })
	c.poll(nil)
	c.end()
}

func TestNothingIsMadeBeforeItIsNeeded(t *testing.T) {
	registerKeys(t, messageDefinition())
	made := 0
	c := serve(t, nil, func(o *Options) {
		o.Consumer = func() (Consumer, error) { made++; return newFakeConsumer(), nil }
	}).listen().initialize()
	c.request("tools/list", nil)
	c.request("resources/list", nil)
	c.tool("list_event_keys", nil)
	c.tool("describe_event_key", map[string]any{"key": messageKey})
	c.end()
	if made != 0 {
		t.Errorf("%d consumers were made", made)
	}
}

// outputLines are what the server writes: nothing but the protocol, one message a line.
func TestOutputIsOneMessageALine(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		in := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}` + "\n" + `nonsense` + "\n")
		err := NewServer(Options{Version: "test"}).ServeStdio(t.Context(), in, &out)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines: %s", len(lines), out.String())
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
	})
}

// What is passed on as raw JSON may hold anything: a client's id, an event of a journal of before.
func TestOutputIsUTF8(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	c.subscribe(map[string]any{"key": messageKey})
	consumer.publish(messageKey, "\"caf\xe9\"")
	if got := string(c.poll(nil).Events[0].Data); got != "\"caf\uFFFD\"" {
		t.Errorf("the event's data is %q", got)
	}
	c.send("{\"jsonrpc\":\"2.0\",\"id\":\"a\xff\",\"method\":\"ping\"}")
	c.await("\"a\uFFFD\"")
	c.send("{\"jsonrpc\":\"2.0\",\"id\":\"b\xff\",\"method\":\"no/such\xff\"}")
	c.await("\"b\uFFFD\"")
	c.end()
}
