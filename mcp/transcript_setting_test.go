package mcp

import (
	"fmt"
	"strconv"
	"strings"
)

// setting is how a conversation is played, by the comments at its beginning, NAME: VALUE each:
//
//	transport: NAME (REASON)   on that transport only
//	channel: SENDER            with --push channel --allow-sender SENDER
//	principal: NAME            over HTTP only, as a client that is authenticated; ada and bob can be
//	webhooks: N                the server offers webhooks, N at most to each principal; see hookEndpoint
type setting map[string]string

func settingOf(conversation string) setting {
	s := setting{}
	for line := range strings.Lines(conversation) {
		comment, ok := strings.CutPrefix(line, "# ")
		if !ok {
			break
		}
		if name, value, ok := strings.Cut(comment, ": "); ok {
			s[name] = strings.TrimSpace(value)
		}
	}
	return s
}

func (s setting) isFor(transport string) bool {
	return strings.HasPrefix(s["transport"], transport) || s["transport"] == "" && (s["principal"] == "" || transport == "http")
}

// set sets the stage.
func (s setting) set(on *stage, connect connect) {
	server := newTestServer(on.t, on.consumer, func(o *Options) {
		if sender := s["channel"]; sender != "" {
			o.Push, o.AllowSenders = PushChannel, []string{sender}
		}
	})
	if most := s["webhooks"]; most != "" {
		n, err := strconv.Atoi(most)
		if err != nil {
			on.t.Fatalf("webhooks: %v", err)
		}
		on.endpoint = newHookEndpoint(on.t)
		on.endpoint.offer(server, n)
	}
	token := ""
	if name := s["principal"]; name != "" {
		token = fmt.Sprint("of ", name)
	}
	on.peer = connect(on.t, server, token)
}
