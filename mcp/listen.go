package mcp

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// listenStream is the session that mcp-go sees while it serves one subscriptions/listen request (protocol
// 2026-07-28). mcp-go keeps a stream's opt-ins in the session and clears them at the stream's end, so that two
// streams of one client must not share one.
type listenStream struct {
	clientState
	session  *Session
	notifier *notifier
	stop     context.CancelFunc
	stopped  chan struct{}

	mu     sync.Mutex
	filter mcpgo.SubscriptionFilter
}

func newListenStream(s *Session, out sender, id json.RawMessage) *listenStream {
	return &listenStream{session: s, notifier: newNotifier(out, id), stopped: make(chan struct{})}
}

// start sends the stream's notifications until end, or until life ends.
func (l *listenStream) start(life context.Context) {
	open, stop := context.WithCancel(life)
	l.stop = stop
	go func() {
		defer close(l.stopped)
		l.notifier.run(open, life)
	}()
}

// end returns when nothing more is sent on the stream.
func (l *listenStream) end() {
	l.stop()
	<-l.stopped
}

// SessionID returns the id of the client's session.
func (l *listenStream) SessionID() string { return l.session.SessionID() }

// NotificationChannel takes the acknowledgement of the stream.
func (l *listenStream) NotificationChannel() chan<- mcpgo.JSONRPCNotification {
	return l.notifier.relayed
}

// SetSubscriptionFilter records what the client opted in to.
func (l *listenStream) SetSubscriptionFilter(filter mcpgo.SubscriptionFilter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.filter = filter
}

// SubscriptionFilter returns what the client opted in to, and whether that is anything.
func (l *listenStream) SubscriptionFilter() (mcpgo.SubscriptionFilter, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.filter, !l.filter.IsEmpty()
}

// SubscribeToResourceErr adds uri to what the stream tells of.
func (l *listenStream) SubscribeToResourceErr(uri string) error {
	if err := l.session.checkResource(uri); err != nil {
		return err
	}
	l.SubscribeToResource(uri)
	l.repeat(uri)
	return nil
}

// repeat tells the stream of a subscription whose last update came before the stream did, if that is still unread: the
// update may have gone to a connection that was dead already. What no update told of yet, one will.
func (l *listenStream) repeat(uri string) {
	id, _ := strings.CutPrefix(uri, subscriptionPrefix)
	sub, ok := l.session.subs.get(id)
	if ok && l.session.pushMode(sub) == PushResource && sub.updatedUnread() {
		l.notifier.resourceUpdated(uri)
	}
}

// SubscribeToResource is SubscribeToResourceErr without the check.
func (l *listenStream) SubscribeToResource(uri string) {
	l.setResource(uri, true)
	l.session.audience.fire()
}

// UnsubscribeFromResource takes uri off again.
func (l *listenStream) UnsubscribeFromResource(uri string) {
	l.setResource(uri, false)
	l.session.audience.fire()
}
