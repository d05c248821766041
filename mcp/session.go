package mcp

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"slices"
	"sync"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// Session is one client: its subscriptions and how far it has read each, what it asked to be told, and the
// consumer behind them. Its methods may be called from many goroutines at once.
//
// An event is pushed in at most one way for each subscription: as a resource update if the client subscribed to
// the subscription's resource, as a log message if it set a level of info or lower, as a channel message if the
// server runs with that, the client knows initialize, and whoever caused the event may wake an agent; see [PushMode].
type Session struct {
	clientState
	id string
	// principal is who the client proved to be; empty on stdio, and over HTTP without authentication.
	principal string
	// http says that the client came by Streamable HTTP; it is set before the first message.
	http     bool
	server   *Server
	logger   *slog.Logger
	out      sender
	notifier *notifier

	// life ends with the session. draining ends before it, when no more requests come: what waits for events ends
	// then, and what does work may finish.
	life     context.Context
	end      context.CancelFunc
	draining context.Context
	drain    context.CancelFunc
	workers  sync.WaitGroup // goroutines that end with life
	inflight *inflight

	consumerMu sync.Mutex
	made       Consumer
	closed     bool

	// channel tells of events by channel messages; nil unless the server does.
	channel *channel

	subs    subscriptions
	endings *endings
	// changed fires when subscriptions come or go, audience when what the client wants pushed may be another.
	changed  *broadcast
	audience *broadcast
	// claim is held from the moment a poll takes its events to the moment it is decided whether it is answered.
	claim sync.Mutex

	streamsMu sync.Mutex
	streams   map[*listenStream]bool
}

// newSession returns a session of principal, which may be empty, that says what it has to say to out. close must be
// called.
func (s *Server) newSession(out sender, principal string) *Session {
	session := &Session{
		id: rand.Text(), principal: principal, server: s, logger: s.logger, out: out,
		notifier: newNotifier(out, nil),
		inflight: newInflight(), endings: newEndings(),
		changed: newBroadcast(), audience: newBroadcast(),
		streams: map[*listenStream]bool{},
	}
	session.life, session.end = context.WithCancel(context.Background())
	session.draining, session.drain = context.WithCancel(session.life)
	session.workers.Go(func() { session.notifier.run(session.life, session.life) })
	if s.opts.Push == PushChannel {
		session.channel = newChannel(session, allowList{senders: s.opts.AllowSenders, chats: s.opts.AllowChats})
		session.workers.Go(func() { session.channel.run(session.life) })
	}
	s.sessionsMu.Lock()
	defer s.sessionsMu.Unlock()
	s.sessions[session] = true
	return session
}

// openSessions returns the sessions that are not closed, in no order.
func (s *Server) openSessions() []*Session {
	s.sessionsMu.Lock()
	defer s.sessionsMu.Unlock()
	return slices.Collect(maps.Keys(s.sessions))
}

// close ends the session: push stops, subscriptions end with their cleanups. It returns when that is done or ctx
// ends. Requests must have ended before, or have been cancelled.
func (s *Session) close(ctx context.Context) {
	s.end()
	waitOr(ctx, &s.workers)
	s.server.sessionsMu.Lock()
	delete(s.server.sessions, s)
	s.server.sessionsMu.Unlock()
	s.consumerMu.Lock()
	consumer := s.made
	s.made, s.closed = nil, true
	s.consumerMu.Unlock()
	if consumer == nil {
		return
	}
	if err := consumer.Close(ctx); err != nil {
		s.logger.Warn("the session's subscriptions could not all be ended", "error", err)
	}
}

// waitOr waits for the group, or for ctx to end.
func waitOr(ctx context.Context, group *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// consumer returns the session's consumer, made at the first call.
func (s *Session) consumer() (Consumer, error) {
	s.consumerMu.Lock()
	defer s.consumerMu.Unlock()
	switch {
	case s.made != nil:
		return s.made, nil
	case s.closed:
		return nil, &eventcore.Error{Code: eventcore.CodeBusUnavailable, Message: "the session is ending"}
	}
	made, err := s.server.opts.Consumer()
	if err != nil {
		return nil, err
	}
	s.made = made
	s.workers.Go(func() { s.watchSource(made) })
	return made, nil
}

// madeConsumer returns the session's consumer, nil if it has needed none yet.
func (s *Session) madeConsumer() Consumer {
	s.consumerMu.Lock()
	defer s.consumerMu.Unlock()
	return s.made
}

// SessionID returns an id that no other session has.
func (s *Session) SessionID() string { return s.id }

// NotificationChannel takes the notifications that mcp-go makes by itself.
func (s *Session) NotificationChannel() chan<- mcpgo.JSONRPCNotification { return s.notifier.relayed }

// SetLogLevel records the least level of log messages that the client wants.
func (s *Session) SetLogLevel(level mcpgo.LoggingLevel) {
	s.setLevel(level)
	s.audience.fire()
}

// SubscribeToResourceErr records that the client wants to be told of changes of uri. The error is that there is no
// such resource.
func (s *Session) SubscribeToResourceErr(uri string) error {
	if err := s.checkResource(uri); err != nil {
		return err
	}
	s.SubscribeToResource(uri)
	return nil
}

// SubscribeToResource is SubscribeToResourceErr without the check.
func (s *Session) SubscribeToResource(uri string) {
	s.setResource(uri, true)
	s.audience.fire()
}

// UnsubscribeFromResource ends what SubscribeToResource began.
func (s *Session) UnsubscribeFromResource(uri string) {
	s.setResource(uri, false)
	s.audience.fire()
}

// SetSessionResources does nothing: a session's resources follow from its subscriptions.
func (s *Session) SetSessionResources(map[string]mcpserver.ServerResource) {}

func (s *Session) addStream(stream *listenStream) {
	stream.start(s.life)
	s.streamsMu.Lock()
	defer s.streamsMu.Unlock()
	s.streams[stream] = true
}

func (s *Session) removeStream(stream *listenStream) {
	s.streamsMu.Lock()
	delete(s.streams, stream)
	s.streamsMu.Unlock()
	s.audience.fire()
	stream.end()
}

// openStreams returns the streams that are open.
func (s *Session) openStreams() []*listenStream {
	s.streamsMu.Lock()
	defer s.streamsMu.Unlock()
	streams := make([]*listenStream, 0, len(s.streams))
	for stream := range s.streams {
		streams = append(streams, stream)
	}
	return streams
}

// resourceListChanged tells the client that its list of resources has changed, if it can be told.
func (s *Session) resourceListChanged() {
	if s.ProtocolVersion() != "" {
		s.notifier.resourceListChanged()
	}
	for _, stream := range s.openStreams() {
		if filter, ok := stream.SubscriptionFilter(); ok && filter.ResourcesListChanged {
			stream.notifier.resourceListChanged()
		}
	}
}

// resourceWanted reports whether the client wants to be told of changes of uri.
func (s *Session) resourceWanted(uri string) bool {
	if s.IsSubscribedToResource(uri) {
		return true
	}
	for _, stream := range s.openStreams() {
		if stream.IsSubscribedToResource(uri) {
			return true
		}
	}
	return false
}

// forgetResource ends what the client asked to be told of uri, in either way. A resource that comes back by the same URI
// is another one.
func (s *Session) forgetResource(uri string) {
	s.setResource(uri, false)
	for _, stream := range s.openStreams() {
		stream.setResource(uri, false)
	}
}

// resourceUpdated tells the client of a change of uri, once for each way in which it asked to be told.
func (s *Session) resourceUpdated(uri string) {
	if s.IsSubscribedToResource(uri) {
		s.notifier.resourceUpdated(uri)
	}
	for _, stream := range s.openStreams() {
		if stream.IsSubscribedToResource(uri) {
			stream.notifier.resourceUpdated(uri)
		}
	}
}
