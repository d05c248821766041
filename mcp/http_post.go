package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strings"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// httpMessage is a message, and what decides how it is served.
type httpMessage struct {
	message
	params json.RawMessage
	// headerVersion and metaVersion are the protocol version as the header and the message say it.
	headerVersion, metaVersion string
	clientName                 string
}

// modern reports whether the message is one of protocol 2026-07-28 or later, which knows no sessions.
func (m httpMessage) modern() bool {
	return mcpgo.IsModernProtocol(m.headerVersion) || mcpgo.IsModernProtocol(m.metaVersion)
}

// post serves one message.
func (t *httpTransport) post(w http.ResponseWriter, r *http.Request, principal string) {
	body, largeDone, ok := t.readBody(w, r, principal)
	if !ok {
		return
	}
	if largeDone != nil {
		defer largeDone()
	}
	parsed, problem := parseMessage(body)
	switch {
	case problem != nil:
		writeJSON(w, http.StatusBadRequest, encodeError(parsed.id, problem))
		return
	case largeDone != nil && isStream(parsed.method):
		// It would take the place of another's large message for as long as its client wants.
		refuse(w, http.StatusRequestEntityTooLarge, parsed.id,
			fmt.Sprintf("a %s request must be shorter than %d bytes, because it stays open", parsed.method, smallBody))
		return
	}
	msg := withProtocol(parsed, r.Header)
	if msg.modern() {
		t.postModern(w, r, principal, msg)
		return
	}
	t.postLegacy(w, r, principal, msg)
}

// postLegacy serves a message of a client that initializes.
func (t *httpTransport) postLegacy(w http.ResponseWriter, r *http.Request, principal string, msg httpMessage) {
	switch {
	case msg.method == string(mcpgo.MethodInitialize) && msg.isRequest():
		t.initialize(w, r, principal, msg)
		return
	case refuseVersion(w, r):
		return
	}
	s, ok := t.session(w, r, principal, msg.id)
	if !ok {
		return
	}
	defer t.sessions.release(s)
	switch {
	case msg.isRequest():
		s.serve(w, r, msg)
		return
	case msg.method == string(mcpgo.MethodNotificationCancelled):
		s.inflight.cancel(cancelledID(msg.raw))
	case msg.method != "":
		c := &call{session: s.Session, out: s.stream}
		s.answer(r.Context(), c, msg.message)
		c.settle(true)
	}
	w.WriteHeader(http.StatusAccepted)
}

// initialize makes a session, unless the handshake fails.
func (t *httpTransport) initialize(w http.ResponseWriter, r *http.Request, principal string, msg httpMessage) {
	s, err := t.sessions.create(principal)
	if err != nil {
		refuseSession(w, msg, err)
		return
	}
	c := &call{session: s.Session, out: s.stream}
	line := s.answer(r.Context(), c, msg.message)
	c.settle(true)
	t.sessions.release(s)
	if s.Initialized() {
		w.Header().Set(mcpgo.HeaderSessionID, s.id)
	} else {
		t.sessions.remove(s)
	}
	writeJSON(w, http.StatusOK, line)
}

// refuseSession answers a request for which there can be no session now.
func refuseSession(w http.ResponseWriter, msg httpMessage, err error) {
	writeJSON(w, http.StatusServiceUnavailable, encodeError(msg.id, &rpcError{Code: codeBusy, Message: err.Error()}))
}

// serve answers a request. If the client goes away, or the session ends, the request is cancelled.
func (s *httpSession) serve(w http.ResponseWriter, r *http.Request, msg httpMessage) {
	ctx, release := endWithAny(r.Context(), s.open)
	defer release()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !isStream(msg.method) {
		defer s.answering.Add(-1)
		if s.answering.Add(1) > maxRequests {
			writeJSON(w, http.StatusTooManyRequests, encodeError(msg.id, &rpcError{Code: codeBusy,
				Message: fmt.Sprintf("%d requests are being answered, the most at once; wait for some, or cancel them", maxRequests)}))
			return
		}
	}
	finish := func() bool { return true }
	if !msg.modern() { // there, clients share a session, and ids are a client's own
		entry, err := s.inflight.begin(msg.id, isStream(msg.method), math.MaxInt, cancel)
		if err != nil {
			refuse(w, http.StatusBadRequest, msg.id, fmt.Sprintf("request id %s is in use by a request that is still being answered",
				clip(string(msg.id), 100)))
			return
		}
		finish = func() bool { return s.inflight.finish(entry) }
	}
	reply := newHTTPReply(newSSEWriter(w, s.permitted), cancel)
	c := &call{session: s.Session, out: reply}
	line := s.answer(ctx, c, msg.message)
	answered := finish() && ctx.Err() == nil
	c.settle(answered)
	status := http.StatusOK
	switch {
	case !answered:
		line = nil
	case msg.modern():
		status = statusOf(line)
	}
	reply.end(status, line)
}

// withProtocol adds to a message what decides how it is served. What does not have the form it should have counts as
// missing.
func withProtocol(msg message, header http.Header) httpMessage {
	var outer struct {
		Params json.RawMessage `json:"params"`
	}
	var params struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	var client struct {
		Name string `json:"name"`
	}
	m := httpMessage{message: msg, headerVersion: header.Get(mcpgo.HeaderProtocolVersion)}
	_ = json.Unmarshal(msg.raw, &outer)
	m.params = outer.Params
	_ = json.Unmarshal(outer.Params, &params)
	_ = json.Unmarshal(params.Meta[mcpgo.MetaKeyProtocolVersion], &m.metaVersion)
	_ = json.Unmarshal(params.Meta[mcpgo.MetaKeyClientInfo], &client)
	m.clientName = clip(client.Name, maxSelfText)
	return m
}

// readBody returns the message that a request carries, and, if it is a large one, what is to be called when it has been
// dealt with. If it carries none that can be read, it has been answered.
func (t *httpTransport) readBody(w http.ResponseWriter, r *http.Request, principal string) (message []byte, largeDone func(), ok bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || kind != "application/json":
		refuse(w, http.StatusUnsupportedMediaType, nil, "a message is JSON: the Content-Type must be application/json")
		return nil, nil, false
	case !acceptsType(r, "application/json") || !acceptsType(r, "text/event-stream"):
		refuse(w, http.StatusNotAcceptable, nil, "an answer is JSON or a stream of events: the Accept header must have both, "+
			"application/json and text/event-stream")
		return nil, nil, false
	case r.ContentLength > maxLineBytes:
		refuseSize(w)
		return nil, nil, false
	}
	control := http.NewResponseController(w)
	// The errors are that the connection has no deadlines, as in a test.
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	whole := http.MaxBytesReader(w, r.Body, maxLineBytes)
	body, err := io.ReadAll(io.LimitReader(whole, smallBody))
	if err == nil && len(body) == smallBody {
		var busy error
		if largeDone, busy = t.crowd.enterLarge(principal); busy != nil {
			w.Header().Set("Connection", "close") // rather than reading the rest
			writeJSON(w, http.StatusServiceUnavailable, encodeError(nil, &rpcError{Code: codeBusy, Message: busy.Error()}))
			return nil, nil, false
		}
		var rest []byte
		rest, err = io.ReadAll(whole)
		body = append(body, rest...)
	}
	_ = control.SetReadDeadline(time.Time{})
	if err == nil {
		return bytes.TrimSpace(body), largeDone, true
	}
	if largeDone != nil {
		largeDone()
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		refuseSize(w)
	} else {
		refuse(w, http.StatusBadRequest, nil, "the body did not arrive whole: "+err.Error())
	}
	return nil, nil, false
}

func refuseSize(w http.ResponseWriter) {
	w.Header().Set("Connection", "close") // rather than reading the rest
	refuse(w, http.StatusRequestEntityTooLarge, nil, fmt.Sprintf("the message is longer than %d bytes", maxLineBytes))
}

// acceptsType reports whether the client says it can read a media type. One that says nothing can.
func acceptsType(r *http.Request, kind string) bool {
	header := r.Header.Values("Accept")
	if len(header) == 0 {
		return true
	}
	group, _, _ := strings.Cut(kind, "/")
	for part := range strings.SplitSeq(strings.Join(header, ","), ",") {
		name, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case kind, group + "/*", "*/*":
			return true
		}
	}
	return false
}
