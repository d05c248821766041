package mcp

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnIdleStreamIsSmall(t *testing.T) {
	registerKeys(t, messageDefinition())
	server := NewServer(Options{Consumer: func() (Consumer, error) { return newFakeConsumer(), nil }})
	s := server.newSession(&recorder{}, "")
	s.SetProtocolVersion("2025-11-25")
	before := memory()
	ctx, cancel := context.WithCancel(t.Context())
	var streams sync.WaitGroup
	const n = 200
	active := make(chan bool, n)
	for i := range n {
		streams.Go(func() {
			msg, _ := parseMessage(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"events/stream","params":{"name":%q,"cursor":null}}`, i, messageKey))
			s.answer(ctx, &call{session: s, out: signal(active)}, msg)
		})
	}
	for range n {
		<-active
	}
	each := int(memory()-before) / n
	t.Logf("an idle stream takes %d bytes", each)
	if each > 64<<10 {
		t.Error("that is more than 64 KiB")
	}
	cancel()
	streams.Wait()
	s.close(t.Context())
	server.Close(t.Context())
}

// signal is a sender that says that something was sent.
type signal chan bool

func (s signal) send(context.Context, []byte) error {
	s <- true
	return nil
}

func TestAClientThatDoesNotReadHoldsUpOnlyItself(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		server := NewServer(Options{Consumer: func() (Consumer, error) { return consumer, nil }})
		begin := func(out sender) (*Session, context.CancelFunc) {
			s := server.newSession(out, "")
			s.SetProtocolVersion("2025-11-25")
			ctx, cancel := context.WithCancel(t.Context())
			msg, _ := parseMessage([]byte(`{"jsonrpc":"2.0","id":1,"method":"events/stream","params":{"name":"` + messageKey + `","cursor":null}}`))
			go s.answer(ctx, &call{session: s, out: out}, msg)
			synctest.Wait()
			return s, cancel
		}
		deaf, hearing := newOutbox(), &recorder{}
		slow, cancelSlow := begin(deaf)
		quick, cancelQuick := begin(hearing)
		const events = 5000
		for i := range events {
			consumer.publish(messageKey, fmt.Sprint(i))
		}
		synctest.Wait()
		if n := len(hearing.sent()); n != events+1 {
			t.Errorf("the client that reads was told %d times, want %d", n, events+1)
		}
		before := consumer.count()
		time.Sleep(time.Minute)
		if n := consumer.count() - before; n > 10 {
			t.Errorf("%d reads in a minute for a client that does not read and one that has read all", n)
		}
		cancelSlow()
		cancelQuick()
		synctest.Wait()
		slow.close(t.Context())
		quick.close(t.Context())
		server.Close(t.Context())
	})
}

func TestAStreamCancelledBeforeItsActiveSaysNothing(t *testing.T) {
	registerKeys(t, messageDefinition())
	const stream = `{"jsonrpc":"2.0","id":1,"method":"events/stream","params":{"name":"` + messageKey + `","cursor":null`
	for transport, connect := range transports() {
		for era, message := range map[string]string{"initialize": stream + "}}", "2026-07-28": stream + `,"_meta":` + modernMeta + "}}"} {
			t.Run(transport+"/"+era, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					consumer := &heldConsumer{fakeConsumer: newFakeConsumer(), subscribe: map[string]chan struct{}{messageKey: make(chan struct{})}}
					p := connect(t, newTestServer(t, consumer), "")
					if era == "initialize" {
						p.initialize()
					}
					p.send(message)
					synctest.Wait()
					p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
					synctest.Wait()
					close(consumer.subscribe[messageKey])
					consumer.publish(messageKey, `{"text":"unheard"}`)
					synctest.Wait()
					// Whatever is said under the id now answers to another request.
					p.send(strings.Replace(message, "events/stream", "events/list", 1))
					if answer := string(p.reply("1")); !strings.Contains(answer, `"events":[`) {
						t.Errorf("the cancelled stream was answered: %s", answer)
					}
					if note, said := p.unread(); said {
						t.Errorf("the stream said %s", note)
					}
					if n := consumer.subscriptions(); n != 0 {
						t.Errorf("%d subscriptions are left", n)
					}
					if err := p.end(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

func TestAClientThatGoesMidEventEndsTheServer(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.stream(messageKey)
		c.out.Close()
		consumer.publish(messageKey, `{"text":"one"}`)
		if err := c.wait(); err == nil || !strings.Contains(err.Error(), "write to the client") {
			t.Errorf("ended with %v", err)
		}
		if n := consumer.subscriptions(); n != 0 {
			t.Errorf("%d subscriptions are left", n)
		}
	})
}
