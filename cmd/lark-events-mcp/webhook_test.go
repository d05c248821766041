//go:build unix

package main_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// grant is the result of events/subscribe.
type grant struct {
	ID             string  `json:"id"`
	RefreshBefore  *string `json:"refreshBefore"`
	Cursor         string  `json:"cursor"`
	Truncated      bool    `json:"truncated"`
	DeliveryStatus *struct {
		Active         bool    `json:"active"`
		LastDeliveryAt *string `json:"lastDeliveryAt"`
		LastError      *string `json:"lastError"`
	} `json:"deliveryStatus"`
}

// ask sends a request and returns its result, or why it was refused.
func (a *webAgent) ask(method string, params any) (json.RawMessage, *rpcError) {
	a.t.Helper()
	_, text := a.post(mustEncode(a.t, map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
	answer := decode[rpcMessage](a.t, text)
	return answer.Result, answer.Error
}

// must is ask for what is not refused.
func (a *webAgent) must(method string, params any) string {
	a.t.Helper()
	result, refusal := a.ask(method, params)
	if refusal != nil {
		a.t.Fatalf("%s %v: %+v", method, params, refusal)
	}
	return string(result)
}

func (a *webAgent) subscribe(params map[string]any) grant {
	a.t.Helper()
	return decode[grant](a.t, a.must("events/subscribe", params))
}

// offersWebhooks reports whether events/list says that events can be delivered to webhooks; all of them or none.
func (a *webAgent) offersWebhooks() bool {
	a.t.Helper()
	listed := decode[struct {
		Events []struct{ Delivery []string }
	}](a.t, a.must("events/list", map[string]any{}))
	offered := 0
	for _, event := range listed.Events {
		if slices.Contains(event.Delivery, "webhook") {
			offered++
		}
	}
	if offered != 0 && offered != len(listed.Events) {
		a.t.Errorf("webhooks are offered for %d of %d events", offered, len(listed.Events))
	}
	return offered > 0
}

func TestEventsAreDeliveredToAWebhook(t *testing.T) {
	w := newHookWorld(t)
	p, a := w.serve()
	if !a.offersWebhooks() {
		t.Error("events/list does not offer webhooks")
	}
	sub := a.subscribe(w.subscription(messageKey, nil))
	if len(w.challenges) != 1 || sub.RefreshBefore != nil || sub.DeliveryStatus != nil || sub.Truncated {
		t.Errorf("%d challenges; granted %+v", len(w.challenges), sub)
	}
	first := w.send("one")
	got := w.next()
	if got.id != first.EventID || got.EventID != first.EventID || got.Name != messageKey || got.subscription != sub.ID || got.path != "/in" ||
		got.signatures != 1 || !strings.Contains(string(got.Data), `"one"`) {
		t.Errorf("delivered %+v", got)
	}
	// The watermark covers what came before: here, nothing.
	page := decode[eventPage](t, a.must("events/poll", follow(messageKey, got.Cursor)))
	if len(page.Events) != 1 || page.Events[0].EventID != first.EventID || page.Truncated {
		t.Errorf("events/poll from a delivery's cursor: %+v", page)
	}

	// Both secrets sign for a while after one has replaced the other; the endpoint is not asked again.
	again := a.subscribe(w.subscription(messageKey, deliverTo(w.server.URL+"/in", otherSecret)))
	if again.ID != sub.ID || again.DeliveryStatus == nil || !again.DeliveryStatus.Active || len(w.challenges) != 1 {
		t.Errorf("%d challenges; refreshed %+v", len(w.challenges), again)
	}
	second := w.send("two")
	if got := w.next(); got.id != second.EventID || got.signatures != 2 || !slices.Equal(got.signedBy, []string{hookSecret, otherSecret}) {
		t.Errorf("after the secret was replaced: %+v", got)
	}

	counted := fmt.Sprintf(`lark_events_delivered_total{by="webhook",key=%q} 2`, messageKey)
	eventually(t, counted, func() bool { return strings.Contains(a.metrics(), counted) })

	a.must("events/unsubscribe", w.subscription(messageKey, nil))
	w.send("three")
	w.end(p)
	w.nothing("after unsubscribing")
}

// metrics returns what /metrics says.
func (a *webAgent) metrics() string {
	a.t.Helper()
	request, err := http.NewRequestWithContext(within(a.t), "GET", strings.TrimSuffix(a.url, "/mcp")+"/metrics", nil)
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	response, err := a.client.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		a.t.Fatalf("metrics: %s %s %v", response.Status, text, err)
	}
	return string(text)
}

// end ends a server by a signal, which it must obey within its time.
func (w *hookWorld) end(p *process) {
	t := w.world.t
	t.Helper()
	code := 0
	if elapsed := took(func() { p.signal(syscall.SIGTERM); code = p.wait() }); elapsed > endPromise+endMargin || code != 0 {
		t.Errorf("the server ended after %v with %d: %s", elapsed, code, p.stderr)
	}
}

// Each try is signed anew, and goes to the URL that was subscribed, whatever the answers point at.
func TestADeliveryIsTriedAgain(t *testing.T) {
	w := newHookWorld(t)
	_, a := w.serve()
	sub := a.subscribe(w.subscription(messageKey, nil))
	statuses := make(chan int, 3)
	statuses <- http.StatusTemporaryRedirect
	statuses <- http.StatusInternalServerError
	statuses <- http.StatusOK
	w.answers(func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("Location", w.server.URL+"/elsewhere")
		response.WriteHeader(<-statuses)
	})
	event := w.send("again and again")
	var sent []string
	for range 3 {
		got := w.next()
		if got.path != "/in" || got.id != event.EventID {
			t.Errorf("delivered %+v", got)
		}
		sent = append(sent, got.sent)
	}
	if sent[0] == sent[2] { // seconds; the tries are some 4 s apart
		t.Errorf("sent at %v: a try is as old as the first", sent)
	}
	delivered := func() bool {
		again := a.subscribe(w.subscription(messageKey, nil))
		return again.ID == sub.ID && again.DeliveryStatus.LastDeliveryAt != nil && again.DeliveryStatus.LastError == nil
	}
	eventually(t, "the delivery in deliveryStatus", delivered)
	w.nothing("after it was accepted")
}

func TestWebhooksThatAreNotGranted(t *testing.T) {
	w := newHookWorld(t)
	strict, a := w.serveHTTP("--auth-tokens", w.tokens, "--webhook-private", "10.0.0.0/8")
	a.token = adaToken
	a.initialize()
	for name, url := range map[string]string{"an address": w.server.URL, "a name": strings.Replace(w.server.URL, "127.0.0.1", "localhost", 1)} {
		_, refusal := a.ask("events/subscribe", w.subscription(messageKey, deliverTo(url, hookSecret)))
		if refusal == nil || refusal.Code != -32015 || !strings.Contains(string(refusal.Data), `"reason":"connection_refused"`) {
			t.Errorf("%s of this machine, which is not allowed: %+v", name, refusal)
		}
	}
	w.end(strict)

	_, stranger := w.serveHTTP()
	stranger.initialize()
	_, refusal := stranger.ask("events/subscribe", w.subscription(messageKey, nil))
	if refusal == nil || refusal.Code != -32012 || stranger.offersWebhooks() {
		t.Errorf("without authentication: %+v, offered: %v", refusal, stranger.offersWebhooks())
	}
	if len(w.challenges) != 0 {
		t.Errorf("the endpoint was sent %d challenges", len(w.challenges))
	}
}

func TestOneServerDeliversTheWebhooksOfAnApp(t *testing.T) {
	w := newHookWorld(t)
	first, a := w.serve()
	second, b := w.serve()
	second.stderr.await(t, "offers no webhooks")
	if !a.offersWebhooks() || b.offersWebhooks() {
		t.Error("webhooks are not offered by the first server alone")
	}
	_, refusal := b.ask("events/subscribe", w.subscription(messageKey, nil))
	if refusal == nil || refusal.Code != -32014 || !strings.Contains(string(refusal.Data), `"feature":"delivery"`) {
		t.Errorf("the second server: %+v", refusal)
	}
	a.subscribe(w.subscription(messageKey, nil))
	w.end(first)
	_, c := w.serve()
	if !c.offersWebhooks() {
		t.Error("the server that came after the first one ended offers none")
	}
	w.send("to the third")
	w.next()
}

func TestAWebhookSurvivesTheServersCrash(t *testing.T) {
	w := newHookWorld(t)
	p, a := w.serve()
	sub := a.subscribe(w.subscription(messageKey, nil))
	w.send("before")
	w.next()
	p.signal(os.Kill)
	p.wait()
	w.awaitConsumers(0)
	meanwhile := w.send("meanwhile") // the bus has it
	_, a = w.serve()
	got := w.next()
	for got.id != meanwhile.EventID { // at least once: the position is saved once a second
		if !strings.Contains(string(got.Data), `"before"`) {
			t.Fatalf("after the restart came %+v", got)
		}
		got = w.next()
	}
	if again := a.subscribe(w.subscription(messageKey, nil)); again.ID != sub.ID || again.DeliveryStatus == nil || len(w.challenges) != 1 {
		t.Errorf("%d challenges; after the restart: %+v", len(w.challenges), again)
	}
}

// A webhook holds the platform's subscription as long as it lasts, and ends it.
func TestAWebhookSubscribesOnThePlatform(t *testing.T) {
	w := newHookWorld(t)
	const key = "board.whiteboard.updated_v1"
	w.platform.Answer("POST", "/open-apis/board/v1/whiteboards/{id}/subscribe", 200, map[string]any{"code": 0})
	w.platform.Answer("POST", "/open-apis/board/v1/whiteboards/{id}/unsubscribe", 200, map[string]any{"code": 0})
	awaitCalls := func(when string, want ...string) {
		t.Helper()
		eventually(t, when, func() bool {
			var calls []string
			for _, call := range w.platform.Calls() {
				if strings.Contains(call.Path, "/whiteboards/") {
					calls = append(calls, call.Path[strings.LastIndex(call.Path, "/")+1:])
				}
			}
			return slices.Equal(calls, want)
		})
	}
	p, a := w.serve()
	whiteboard := map[string]any{"arguments": map[string]any{"whiteboard_id": "Ru8nwrWFOhEmaFbEU2VbPRsHcxb"}}
	a.subscribe(w.subscription(key, whiteboard))
	awaitCalls("the platform's subscription", "subscribe")
	w.end(p)
	awaitCalls("its end with the server", "subscribe", "unsubscribe")
	_, a = w.serve()
	awaitCalls("its return with the next one", "subscribe", "unsubscribe", "subscribe")
	a.must("events/unsubscribe", w.subscription(key, whiteboard))
	awaitCalls("its end with the webhook's", "subscribe", "unsubscribe", "subscribe", "unsubscribe")
}

func TestAServerEndsWhileAnEndpointHangs(t *testing.T) {
	w := newHookWorld(t)
	p, a := w.serve()
	a.subscribe(w.subscription(messageKey, nil))
	w.answers(w.hang)
	event := w.send("held up")
	w.next()
	<-w.challenges
	verified := make(chan string, 1)
	go func() {
		_, text, _ := a.try(mustEncode(t, map[string]any{"jsonrpc": "2.0", "id": 1, "method": "events/subscribe",
			"params": w.subscription(reactionKey, deliverTo(w.server.URL+hangPath, hookSecret))}))
		verified <- text
	}()
	<-w.challenges
	w.end(p)
	if text := <-verified; strings.Contains(text, "refreshBefore") {
		t.Errorf("an endpoint that did not answer was granted %s", text)
	}
	if _, held := busdiscover.Running(w.app()); !held {
		t.Fatal("the bus ended with the server")
	}
	w.awaitConsumers(0)
	w.answers(nil)
	w.serve()
	if got := w.next(); got.id != event.EventID {
		t.Errorf("after the restart came %+v", got)
	}
}

// Whoever is taken out of the token file gets no more events; the others do.
func TestAWebhookEndsWithItsOwnersTokens(t *testing.T) {
	w := newHookWorld(t)
	p, a := w.serve()
	a.subscribe(w.subscription(messageKey, nil))
	b := &webAgent{t: t, client: a.client, url: a.url, token: bobToken}
	b.initialize()
	bobs := b.subscribe(w.subscription(messageKey, nil))
	if len(w.challenges) != 2 {
		t.Errorf("%d challenges for two clients", len(w.challenges))
	}
	if err := os.WriteFile(w.tokens, fmt.Appendf(nil, "bob %x\n", sha256.Sum256([]byte(bobToken))), 0o600); err != nil {
		t.Fatal(err)
	}
	event := w.send("not for ada")
	for range 2 {
		switch got := w.next(); {
		case got.subscription == bobs.ID && got.id == event.EventID:
		case got.subscription != bobs.ID && got.Type == "terminated" && got.Error != nil && got.Error.Code == -32012:
		default:
			t.Errorf("delivered %+v", got)
		}
	}
	w.end(p)
	w.nothing("after that")
}

// What ends the flow of events for good until somebody subscribes again must not do so for a webhook: nobody is there to
// subscribe.
func TestAWebhookComesBackByItself(t *testing.T) {
	for name, lose := range map[string]func(w *hookWorld){
		"when the platform has refused the connection once": func(w *hookWorld) {
			w.platform.PlanBootstraps(larksim.BootstrapAnswer{Code: 10014, Msg: "app secret invalid"})
			w.platform.DropConnections()
		},
		"when the bus was stopped": func(w *hookWorld) {
			if p, code := w.run("stop"); code != 0 {
				w.world.t.Fatalf("stop: %d %s", code, p.stderr)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			// While it is away, the platform tries again and again.
			w := newHookWorld(t, larksim.Options{Redelivery: slices.Repeat([]time.Duration{time.Second}, 1000)})
			p, a := w.serve()
			a.subscribe(w.subscription(messageKey, nil))
			w.send("before")
			w.next()
			lose(w)
			p.stderr.await(t, "could not be read; trying again")
			event := w.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "after"))
			w.awaitAck(event)
			if got := w.next(); got.id != event.EventID {
				t.Errorf("delivered %+v", got)
			}
		})
	}
}
