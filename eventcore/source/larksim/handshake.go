package larksim

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

// HandshakeAnswer is a planned refusal of a WebSocket handshake.
type HandshakeAnswer struct {
	Status      int    // the Handshake-Status header, such as 403 or 514; 0 for none
	Msg         string // the Handshake-Msg header
	AuthErrCode int    // the Handshake-Autherrcode header, such as 1000040350; 0 for none
	Hang        bool   // no answer at all until the client leaves
	Wire        string // instead of all that: these bytes as they are, and the end of the connection
}

// PlanHandshakes queues refusals for the next handshakes; after them, handshakes are accepted as usual.
func (p *Platform) PlanHandshakes(answers ...HandshakeAnswer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handshakes = append(p.handshakes, answers...)
}

func (p *Platform) serveSocket(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	p.mu.Lock()
	p.counts.Handshakes++
	p.changed.Broadcast()
	plan, planned := pop(&p.handshakes)
	known := p.tickets[query.Get("ticket")]
	delete(p.tickets, query.Get("ticket"))
	full := len(p.live) >= p.options.MaxConnections
	p.mu.Unlock()
	switch {
	case planned && plan.Hang:
		p.hang(r)
		return
	case planned && plan.Wire != "":
		answerRaw(w, plan.Wire)
		return
	case planned:
		refuseHandshake(w, plan)
		return
	case !known:
		refuseHandshake(w, HandshakeAnswer{Status: frame.StatusAuthFailed, Msg: "ticket invalid"})
		return
	case full:
		refuseHandshake(w, HandshakeAnswer{
			Status: frame.StatusAuthFailed, Msg: "the number of connections exceeded the limit", AuthErrCode: frame.CodeTooManyConnections,
		})
		return
	}
	upgrader := websocket.Upgrader{ReadBufferSize: 32 << 10}
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // answered by the upgrader
	}
	p.runConn(newConn(query.Get(frame.QueryDeviceID), socket))
}

// answerRaw writes bytes in place of an HTTP answer.
func answerRaw(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the client is gone
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, text) // the client may leave early
}

func refuseHandshake(w http.ResponseWriter, plan HandshakeAnswer) {
	if plan.Status != 0 {
		w.Header().Set(frame.HandshakeStatus, strconv.Itoa(plan.Status))
	}
	if plan.Msg != "" {
		w.Header().Set(frame.HandshakeMsg, plan.Msg)
	}
	if plan.AuthErrCode != 0 {
		w.Header().Set(frame.HandshakeAuthErrCode, strconv.Itoa(plan.AuthErrCode))
	}
	w.WriteHeader(http.StatusBadRequest)
}
