package mcp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// primedVersion is the first protocol version whose clients know an event without a message.
const primedVersion = "2025-11-25"

// get serves the stream of what the client's session has to say by itself.
func (t *httpTransport) get(w http.ResponseWriter, r *http.Request, principal string) {
	if refuseModernMethod(w, r) || refuseVersion(w, r) {
		return
	}
	if !acceptsType(r, "text/event-stream") {
		refuse(w, http.StatusNotAcceptable, nil, "the answer is a stream of events: the Accept header must have text/event-stream")
		return
	}
	s, ok := t.session(w, r, principal, nil)
	if !ok {
		return
	}
	defer t.sessions.release(s)
	ctx, release := endWithAny(r.Context(), s.open, s.draining)
	defer release()
	s.listenTo(ctx, newSSEWriter(w, s.permitted), r.Header.Get(mcpgo.HeaderLastEventID))
}

// listenTo sends what the session has to say until ctx ends, or another connection takes the stream over. lastEventID is
// what the client saw last, as it says; empty if it says nothing.
func (s *httpSession) listenTo(ctx context.Context, sse *sseWriter, lastEventID string) {
	ctx, leave := s.stream.attach(ctx, sse.interrupt)
	defer func() {
		leave()
		sse.extend() // for the end of the response
	}()

	complete := true
	if lastEventID != "" {
		seen, err := strconv.ParseUint(lastEventID, 10, 64)
		complete = err == nil && s.stream.rewind(seen)
	}
	if sse.begin() != nil {
		return
	}
	if s.ProtocolVersion() >= primedVersion && sse.prime(s.stream.lastSent()) != nil {
		return
	}
	if !complete && s.tellAgain(sse) != nil {
		return
	}
	quiet := time.NewTimer(keepAlive)
	defer quiet.Stop()
	for {
		changed := s.stream.changed.next()
		if line, id := s.stream.peek(); id > 0 {
			if ctx.Err() != nil || sse.message(id, line) != nil {
				return
			}
			s.stream.sent(id)
			quiet.Reset(keepAlive)
			continue
		}
		select {
		case <-changed.Done():
		case <-quiet.C:
			if sse.comment() != nil {
				return
			}
			quiet.Reset(keepAlive)
		case <-ctx.Done():
			return
		}
	}
}

// tellAgain tells the client that notifications were lost, and of everything it wants to hear of as if it had changed:
// resources are state, and reading them brings what is unread. Log messages are not told again; poll_events has their events.
func (s *Session) tellAgain(sse *sseWriter) error {
	s.notifier.resourceListChanged()
	for _, uri := range s.SubscribedResources() {
		s.notifier.resourceUpdated(uri)
	}
	if !mcpgo.LoggingLevelWarning.ShouldSendTo(s.GetLogLevel()) {
		return nil
	}
	line, err := encodeNotification("notifications/message", map[string]any{
		"level": mcpgo.LoggingLevelWarning, "logger": logger,
		"data": "the stream was resumed after a gap and notifications were lost; poll_events returns the events they told of",
	})
	if err != nil {
		return err
	}
	return sse.message(0, line)
}

// delete ends a session.
func (t *httpTransport) delete(w http.ResponseWriter, r *http.Request, principal string) {
	if refuseModernMethod(w, r) || refuseVersion(w, r) {
		return
	}
	s, ok := t.session(w, r, principal, nil)
	if !ok {
		return
	}
	t.sessions.release(s)
	t.sessions.remove(s)
	w.WriteHeader(http.StatusNoContent)
}

// codeSessionNotFound is what clients look for in the answer's body, beside its status, before they begin another session.
// Source: the TypeScript SDK's server has it in its examples, and its clients no rule of their own
// (https://github.com/modelcontextprotocol/typescript-sdk/pull/2125).
const codeSessionNotFound = -32001

// session returns the session that a request names; the caller must release it. If there is none, the request has been
// answered: 404 makes a client initialize again.
func (t *httpTransport) session(w http.ResponseWriter, r *http.Request, principal string, id []byte) (*httpSession, bool) {
	name := r.Header.Get(mcpgo.HeaderSessionID)
	if name == "" {
		refuse(w, http.StatusBadRequest, id, "the "+mcpgo.HeaderSessionID+" header is missing: send initialize first, and "+
			"then the session id of its answer with every request")
		return nil, false
	}
	s, ok := t.sessions.find(principal, name)
	if !ok {
		writeJSON(w, http.StatusNotFound, encodeError(id, &rpcError{Code: codeSessionNotFound,
			Message: "Session not found, or no longer: send initialize to begin another"}))
	}
	return s, ok
}

// refuseModernMethod answers a GET or DELETE of a client whose protocol has neither.
func refuseModernMethod(w http.ResponseWriter, r *http.Request) bool {
	if !mcpgo.IsModernProtocol(r.Header.Get(mcpgo.HeaderProtocolVersion)) {
		return false
	}
	refuseMethod(w, "POST", r.Method+" is not part of protocol "+mcpgo.ProtocolVersion20260728+": notifications come on the stream of subscriptions/listen")
	return true
}

// refuseVersion answers a request whose protocol version is unknown. None at all is that of an old client.
func refuseVersion(w http.ResponseWriter, r *http.Request) bool {
	version := r.Header.Get(mcpgo.HeaderProtocolVersion)
	if version == "" || mcpgo.IsValidProtocolVersion(version) {
		return false
	}
	refuse(w, http.StatusBadRequest, nil, "protocol version "+strconv.Quote(clip(version, 100))+" is not supported")
	return true
}
