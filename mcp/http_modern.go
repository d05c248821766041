package mcp

import (
	"encoding/json"
	"fmt"
	"net/http"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// postModern serves a message of protocol 2026-07-28 or later: each is on its own, and says what it is in its headers as
// well. What one agent does may still need a memory, which poll_events is an example of: it is the session of all clients
// of the principal that give the same name.
func (t *httpTransport) postModern(w http.ResponseWriter, r *http.Request, principal string, msg httpMessage) {
	switch {
	case msg.method == "":
		refuse(w, http.StatusBadRequest, nil, "clients send no responses in protocol "+mcpgo.ProtocolVersion20260728)
		return
	case !msg.isRequest():
		// The protocol has no notification that a server would need; closing a stream is what cancels it.
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if problem := msg.checkHeaders(r.Header); problem != nil {
		writeJSON(w, http.StatusBadRequest, encodeError(msg.id, problem))
		return
	}
	s, err := t.sessions.forClient(principal, msg.clientName)
	if err != nil {
		refuseSession(w, msg, err)
		return
	}
	defer t.sessions.release(s)
	s.serve(w, r, msg)
}

// checkHeaders returns what is wrong with the headers, which repeat parts of the message for those on the way.
func (m httpMessage) checkHeaders(header http.Header) *rpcError {
	switch {
	case m.headerVersion == "":
		return mismatch("the " + mcpgo.HeaderProtocolVersion + " header is missing; it repeats _meta's " + mcpgo.MetaKeyProtocolVersion)
	case m.metaVersion == "":
		return &rpcError{Code: mcpgo.INVALID_PARAMS, Message: "_meta has no " + mcpgo.MetaKeyProtocolVersion + ", which every request needs"}
	case m.headerVersion != m.metaVersion:
		return mismatch(fmt.Sprintf("the %s header says %q, but _meta says %q", mcpgo.HeaderProtocolVersion,
			clip(m.headerVersion, 100), clip(m.metaVersion, 100)))
	case !mcpgo.IsValidProtocolVersion(m.metaVersion):
		problem := mcpgo.UnsupportedProtocolVersionError{Version: clip(m.metaVersion, 100), Supported: mcpgo.ValidProtocolVersions}.JSONRPCError().Error
		return &rpcError{Code: problem.Code, Message: problem.Message, Data: problem.Data}
	}
	if err := mcpgo.ValidateStandardHeaders(header.Get, m.metaVersion, mcpgo.MCPMethod(m.method), m.params); err != nil {
		return mismatch(clip(err.Error(), 300))
	}
	return nil
}

func mismatch(message string) *rpcError {
	return &rpcError{Code: mcpgo.HEADER_MISMATCH, Message: message}
}

// statusOf returns the HTTP status of an answer of protocol 2026-07-28: for those who look no further.
//
// The specification of Streamable HTTP has 404 for a method that is not there, and 400 for what is wrong with the request
// as such; anything else is an answer like any other. That goes for the codes of the events extension too, -32011 to
// -32015: 404 for an event that is not there would pass for an endpoint that is not, 403 for a token that may not.
func statusOf(line []byte) int {
	var answer struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(line, &answer) != nil {
		return http.StatusOK
	}
	switch answer.Error.Code {
	case mcpgo.METHOD_NOT_FOUND:
		return http.StatusNotFound
	case mcpgo.PARSE_ERROR, mcpgo.INVALID_REQUEST, mcpgo.INVALID_PARAMS, mcpgo.HEADER_MISMATCH,
		mcpgo.UNSUPPORTED_PROTOCOL_VERSION, mcpgo.MISSING_REQUIRED_CLIENT_CAPABILITY:
		return http.StatusBadRequest
	}
	return http.StatusOK
}
