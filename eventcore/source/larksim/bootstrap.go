package larksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

const (
	socketPath = "/ws/v2"
	serviceID  = 33554678
)

// The codes that refuse credentials. The endpoint's own are not published; these are the token endpoint's, as
// observed on it (excitedjs/dreamux issue 417) and listed among the platform's generic codes.
const (
	codeInvalidParam = 10003 // a malformed or missing app id
	codeBadApp       = 10014 // an unknown app id, or a wrong secret
)

// newClientConfig is what clients are told, on the wire in whole seconds.
func newClientConfig(ping, reconnect time.Duration) frame.ClientConfig {
	return frame.ClientConfig{
		ReconnectCount: -1, ReconnectNonce: 30,
		ReconnectInterval: wholeSeconds(reconnect), PingInterval: wholeSeconds(ping),
	}
}

func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// Tune changes what clients are told: at the next bootstrap, and on open connections with the next pong.
func (p *Platform) Tune(ping, reconnect time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config = newClientConfig(ping, reconnect)
	p.retuned = true
}

// BootstrapAnswer is a planned answer to a request for an endpoint.
type BootstrapAnswer struct {
	Status int    // HTTP status; 0 for 200
	Code   int    // such as 1 (busy) or 1000040343 (internal error)
	Msg    string //
	NoURL  bool   // code 0, and no endpoint
	Body   string // instead of all that: this body
	// Endless repeats Body until the client leaves.
	Endless bool
	Hang    bool // no answer at all until the client leaves
}

// PlanBootstraps queues answers for the next requests for an endpoint; after them, requests are answered as usual.
func (p *Platform) PlanBootstraps(answers ...BootstrapAnswer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bootstraps = append(p.bootstraps, answers...)
}

func (p *Platform) serveEndpoint(w http.ResponseWriter, r *http.Request) {
	var asked frame.EndpointRequest
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked)
	p.mu.Lock()
	p.counts.Bootstraps++
	p.changed.Broadcast()
	plan, planned := pop(&p.bootstraps)
	config := p.config
	p.mu.Unlock()
	if planned {
		p.answerPlanned(w, r, plan)
		return
	}
	code, msg := 0, ""
	if err != nil {
		code, msg = codeInvalidParam, "invalid param"
	} else {
		code, msg = p.checkApp(asked.AppID, asked.AppSecret)
	}
	if code != 0 {
		writeJSON(w, http.StatusOK, frame.EndpointAnswer{Code: code, Msg: msg})
		return
	}
	writeJSON(w, http.StatusOK, frame.EndpointAnswer{Msg: "success", Data: &frame.Endpoint{URL: p.newEndpoint(), ClientConfig: &config}})
}

func (p *Platform) answerPlanned(w http.ResponseWriter, r *http.Request, plan BootstrapAnswer) {
	status := plan.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case plan.Hang:
		p.hang(r)
	case plan.Body != "":
		w.WriteHeader(status)
		_, err := fmt.Fprint(w, plan.Body)
		for plan.Endless && err == nil && !p.isClosing() {
			_, err = fmt.Fprint(w, plan.Body)
		}
	case plan.NoURL:
		writeJSON(w, status, frame.EndpointAnswer{Msg: "success", Data: &frame.Endpoint{}})
	default:
		writeJSON(w, status, frame.EndpointAnswer{Code: plan.Code, Msg: plan.Msg})
	}
}

// checkApp returns the code and text that refuse the credentials, or 0.
func (p *Platform) checkApp(id, secret string) (code int, msg string) {
	switch {
	case !strings.HasPrefix(id, "cli_") || secret == "":
		return codeInvalidParam, "invalid param"
	case id != p.options.AppID:
		return codeBadApp, "app id not exists"
	case secret != p.options.AppSecret:
		return codeBadApp, "app secret invalid"
	}
	return 0, ""
}

// newEndpoint issues an address that is good for one handshake.
func (p *Platform) newEndpoint() string {
	ticket, key, device := newID(), newID(), p.nextID()
	p.mu.Lock()
	p.tickets[ticket] = true
	p.issued = append(p.issued, ticket, key)
	p.mu.Unlock()
	return fmt.Sprintf("ws%s%s?device_id=%d&service_id=%d&access_key=%s&ticket=%s",
		strings.TrimPrefix(p.url, "http"), socketPath, device, serviceID, key, ticket)
}

// pop takes the first of a queue.
func pop[T any](queue *[]T) (first T, ok bool) {
	if len(*queue) == 0 {
		return first, false
	}
	first = (*queue)[0]
	*queue = (*queue)[1:]
	return first, true
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
