package mcp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

func TestStatusTellsOfProblems(t *testing.T) {
	refusal := &eventcore.Error{Code: eventcore.CodeCredentialsMissing, Message: "the secret is wrong", Hint: "check LARK_APP_SECRET"}
	tests := []struct {
		name   string
		change func(f *fakeConsumer)
		want   []eventcore.Code
	}{
		{"all is well", func(*fakeConsumer) {}, nil},
		{"no bus", func(f *fakeConsumer) {
			f.statusErr = &eventcore.Error{Code: eventcore.CodeBusUnavailable, Message: "no bus is running"}
		}, []eventcore.Code{eventcore.CodeBusUnavailable}},
		{"bus does not answer", func(f *fakeConsumer) { f.statusErr = errors.New("broken pipe") }, []eventcore.Code{eventcore.CodeInternal}},
		{"connecting", func(f *fakeConsumer) { f.source = source.State{} }, []eventcore.Code{problemConnecting}},
		{"reconnecting", func(f *fakeConsumer) {
			f.source = source.State{Phase: source.Reconnecting, Attempt: 3, Detail: "connection reset"}
		}, []eventcore.Code{problemReconnecting}},
		{"refused", func(f *fakeConsumer) {
			f.source = source.State{Phase: source.Failed, Err: refusal}
		}, []eventcore.Code{eventcore.CodeCredentialsMissing}},
		{"refused without a reason", func(f *fakeConsumer) {
			f.source = source.State{Phase: source.Failed}
		}, []eventcore.Code{problemFailed}},
		{"others are connected, and more", func(f *fakeConsumer) {
			f.source.OnlineConnections = 2
			f.problem, f.unreadable = "disk full", refusal
			f.scopes = []protocol.Scope{{Key: "mail.x", Orphaned: true}, {Key: "mail.y"}, {Key: "mail.x", Orphaned: true}}
		}, []eventcore.Code{problemOtherConnections, problemStorage, problemStorage, problemOrphanedScope}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			registerKeys(t, messageDefinition())
			consumer := newFakeConsumer()
			test.change(consumer)
			c := serve(t, consumer).listen().initialize()
			c.subscribe(map[string]any{"key": messageKey})
			status := decode[statusView](t, c.tool("event_status", nil))
			var codes []eventcore.Code
			for _, problem := range status.Problems {
				codes = append(codes, problem.Code)
				if problem.Message == "" || problem.Hint == "" {
					t.Errorf("%+v lacks a message or a hint", problem)
				}
			}
			if len(codes) != len(test.want) {
				t.Fatalf("problems are %v, want %v", codes, test.want)
			}
			for i, code := range codes {
				if code != test.want[i] {
					t.Errorf("problems are %v, want %v", codes, test.want)
				}
			}
			if len(status.Subscriptions) != 1 || status.Bus.Running != (consumer.statusErr == nil) {
				t.Errorf("status is %+v", status)
			}
			if (status.Subscriptions[0].Behind != nil) != status.Bus.Running {
				t.Errorf("behind is known: %v, with a bus running: %v", status.Subscriptions[0].Behind != nil, status.Bus.Running)
			}
			c.end()
		})
	}
}

func TestASubscriptionThatWasLostIsAProblem(t *testing.T) {
	sub := &subscription{Subscription: &consume.Subscription{ID: "sub_1", Key: &eventcore.KeyDefinition{Key: messageKey}}}
	err := &eventcore.Error{Code: eventcore.CodeSingleConsumer, Message: "it takes one consumer", Hint: "end the other one"}
	got := subscriptionProblem(sub, fmt.Errorf("join: %w", err))
	for _, want := range []string{"sub_1", messageKey, "it takes one consumer", "end the other one", "tried again"} {
		if text := got.Message + got.Hint; got.Code != eventcore.CodeSingleConsumer || !strings.Contains(text, want) {
			t.Errorf("the problem is %+v, want %q in it", got, want)
		}
	}
}
