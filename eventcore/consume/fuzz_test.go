package consume

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// Whatever a bus answers, each call comes back, with what was asked for or an error that says what to do.
func FuzzBusAnswers(f *testing.F) {
	batch := `{"id":$,"batch":{"events":[{"position":8,"event":{"event_id":"e","event_type":"t.a","payload":{"text":"x"},"timestamp":"2026-10-01T08:00:00Z"}}],"next":9,"head":9}}`
	for _, seed := range []string{
		batch, `{"id":$}`, `{"id":$,"error":{}}`, `{"id":$,"batch":{}}` + "\n" + batch, `{"id":$,"batch":{"events":[{"event":null}],"next":1,"head":1}}`,
		`{"id":$,"batch":{"more":true}}`, `{"id":$,"batch":{"next":3,"more":true,"head":18446744073709551615}}`, `{"id":$,"batch":{"events":[{"position":1,"event":[]}]}}`,
		`{"id":$,"position":{"after":5}}`, `{"id":$,"counted":{"events":-1}}`, `{"id":$,"status":{}}`, `{"id":$,"source":{"phase":"failed"}}`, `{"stopping":{}}`,
		`{"id":999}` + "\n" + `{"id":$,"done":{}}`, `garbage`, `{"id":$,"batch":{"events":[],"next":0,"head":0,"gap":true}}`, ``,
		strings.Repeat(`{"id":$,"position":{"after":7}}`+"\n", 4) + batch, `{"id":$,"batch":{"events":[{"position":1,"event":{"payload":"\ud800","timestamp":"x"}}]}}`,
	} {
		f.Add(seed)
	}
	def := &eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"}
	f.Fuzz(func(t *testing.T, lines string) {
		if len(lines) > 1<<16 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			sub := newSubscription(def, nil, "")
			for name, call := range map[string]func(context.Context, *Client) error{
				"read": func(ctx context.Context, c *Client) error {
					page, err := c.Read(ctx, []At{{Subscription: sub, Cursor: eventcore.Cursor{Journal: "j1", After: 3}}}, Limit{Events: 10}, time.Minute)
					if err == nil && (len(page.Next) != 1 || len(page.Events) > 1000) {
						t.Errorf("a page is %+v", page)
					}
					return err
				},
				"locate": func(ctx context.Context, c *Client) error {
					_, _, err := c.Locate(ctx, sub, &eventcore.Cursor{Journal: "j0"}, time.Hour)
					return err
				},
				"behind": func(ctx context.Context, c *Client) error {
					_, err := c.Behind(ctx, At{Subscription: sub, Cursor: eventcore.Cursor{Journal: "j0"}})
					return err
				},
				"status": func(ctx context.Context, c *Client) error {
					status, err := c.Status(ctx)
					if (status == nil) != (err != nil) {
						t.Errorf("status: %v, %v", status, err)
					}
					return err
				},
				"retry": func(ctx context.Context, c *Client) error { return c.link.retrySource(ctx) },
			} {
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				err := call(ctx, answeredBy(t, lines))
				if ctx.Err() != nil || time.Since(began) > 2*time.Minute {
					t.Errorf("%s took %s and ended with %v", name, time.Since(began), err)
				}
				cancel()
				var e *eventcore.Error
				if err != nil && !errors.As(err, &e) && !strings.Contains(err.Error(), "bus") {
					t.Errorf("%s ended with %v", name, err)
				}
			}
		})
	})
}

// answeredBy is a client of a bus that answers each request with the next line, in which $ is the request's id, and
// hangs up after the last.
func answeredBy(t *testing.T, lines string) *Client {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		requests := protocol.NewReader(bufio.NewReader(theirs), protocol.MaxRequestLine)
		answers := strings.Split(lines, "\n")
		for i := -1; i < len(answers); {
			var req protocol.Request
			if requests.Read(&req) != nil {
				return
			}
			line := `{"welcome":{"version":1,"pid":4711,"journal":"j1","capabilities":["retry"]}}`
			for {
				if i >= 0 {
					line = strings.ReplaceAll(answers[i], "$", strconv.FormatUint(req.ID, 10))
				}
				i++
				if _, err := theirs.Write([]byte(line + "\n")); err != nil {
					return
				}
				if i >= len(answers) || i == 0 || strings.Contains(line, `"id":`+strconv.FormatUint(req.ID, 10)) {
					break // what answers to nothing is followed by the next
				}
			}
		}
	}()
	l, err := open(t.Context(), ours, protocol.Hello{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	c := New(Options{})
	c.link = l
	return c
}
