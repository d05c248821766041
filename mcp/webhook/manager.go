package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxTTL is the longest finite grant; memoryTTL the longest at all where nothing is stored, so that a client soon
	// notices a restart by its refresh.
	maxTTL    = 24 * time.Hour
	memoryTTL = 30 * time.Minute
	// DefaultTTL is for clients that do not say how long a subscription should live.
	DefaultTTL = time.Hour
	// maxSubscriptions is what one principal may have, unless the options say otherwise.
	maxSubscriptions = 1000
	// saveInterval is how often reading positions are saved, if they change.
	saveInterval = time.Second
	// feedCloseTime is how long closing one feed may take.
	feedCloseTime = 10 * time.Second
)

// Options configures a [Manager].
type Options struct {
	// Feeds gives the events.
	Feeds Feeds
	// Dir is the folder in which subscriptions are kept, which must exist and be private. Empty: they live as long as
	// the process, and 30 minutes at most without a refresh.
	Dir string
	// AllowPrivate are the address ranges that endpoints may be in beside public ones.
	AllowPrivate []netip.Prefix
	// RootCAs verifies endpoints' certificates; nil takes the system's.
	RootCAs *x509.CertPool
	// Resolver finds endpoints' addresses; nil is [net.DefaultResolver].
	Resolver Resolver
	// Dial connects to an address that was found and checked; nil is that of [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxSubscriptions is what one principal may have; 0 means 1,000.
	MaxSubscriptions int
	// Permitted reports whether a principal may still have webhooks; nil permits all. It is asked again and again, at each
	// event too, by many goroutines at once. A no ends the principal's subscriptions for good.
	Permitted func(principal string) bool
	// Delivered, if not nil, is called for each event that an endpoint has accepted. It must not block.
	Delivered func(Occurrence)
	// Logger gets diagnostics, without secrets, bodies and URLs; nil discards them.
	Logger *slog.Logger
}

// Manager has all webhook subscriptions and delivers their events, each in a goroutine of its own. Its methods may be
// called from many goroutines at once.
type Manager struct {
	opts     Options
	log      *slog.Logger
	policy   addressPolicy
	poster   *poster
	verifier *verifier
	store    *store // nil: nothing is kept
	// one lets one request about a subscription run at a time.
	one *slots

	// life ends with Close. couriers and the keeper of the file end with it.
	life     context.Context
	stop     context.CancelFunc
	couriers sync.WaitGroup
	keeper   sync.WaitGroup
	dirty    chan struct{}
	saving   sync.Mutex // held while the file is written
	sealed   bool       // the file is another process's affair by now; under saving

	mu     sync.Mutex
	subs   map[string]*subscription
	closed bool
}

// New returns a manager, which takes up the subscriptions kept in Options.Dir: their feeds are opened in the
// background, again and again until that works. Errors: another process has the folder ([ErrInUse]), or the file in it
// cannot be read; the error names it. Close must be called.
func New(opts Options) (*Manager, error) {
	if opts.Resolver == nil {
		opts.Resolver = net.DefaultResolver
	}
	if opts.MaxSubscriptions == 0 {
		opts.MaxSubscriptions = maxSubscriptions
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Permitted == nil {
		opts.Permitted = func(string) bool { return true }
	}
	if opts.Delivered == nil {
		opts.Delivered = func(Occurrence) {}
	}
	if opts.Dial == nil {
		opts.Dial = new(net.Dialer).DialContext
	}
	policy := addressPolicy{opts.AllowPrivate}
	dialer := &dialer{
		resolver: opts.Resolver, policy: policy, roots: opts.RootCAs, dial: opts.Dial, sessions: tls.NewLRUClientSessionCache(256),
	}
	poster := &poster{transport: dialer.transport(), hosts: newSlots(hostSlots)}
	m := &Manager{
		opts: opts, log: opts.Logger, policy: policy, poster: poster, verifier: newVerifier(poster, opts.Logger),
		one: newSlots(1), dirty: make(chan struct{}, 1), subs: map[string]*subscription{},
	}
	m.life, m.stop = context.WithCancel(context.Background())
	if opts.Dir == "" {
		return m, nil
	}
	var err error
	if m.store, err = openStore(opts.Dir); err != nil {
		return nil, err
	}
	kept, err := m.store.load()
	if err != nil {
		return nil, errors.Join(err, m.store.close())
	}
	for _, sub := range kept {
		m.start(sub, nil)
	}
	m.keeper.Go(m.keep)
	return m, nil
}

// Subscribe makes a subscription or refreshes it. For a new one the endpoint is verified, unless it was before. With
// Options.Dir it is on disk when Subscribe returns. Refusals are an [*Error], or the [*eventcore.Error] of Feeds.
func (m *Manager) Subscribe(ctx context.Context, req Request) (Grant, error) {
	to, err := m.check(req)
	if err != nil {
		return Grant{}, err
	}
	k, err := m.key(ctx, req.Principal, req.URL, req.Name, req.Arguments)
	if err != nil {
		return Grant{}, err
	}
	release, err := m.one.acquire(ctx, k.id)
	if err != nil {
		return Grant{}, err
	}
	defer release()
	if m.life.Err() != nil {
		return Grant{}, shuttingDown()
	}
	if sub := m.find(k.id); sub != nil {
		if grant, ok := sub.refresh(req.Secret, m.expiry(req.TTL), k.given); ok {
			return grant, m.commit()
		}
		// It is ending; a new one takes its place.
		select {
		case <-sub.done:
		case <-ctx.Done():
			return Grant{}, ctx.Err()
		}
	}
	sub := newSubscription(k, req, to)
	return m.create(ctx, sub, req)
}

// create verifies the endpoint, opens the feed and starts the subscription.
func (m *Manager) create(ctx context.Context, sub *subscription, req Request) (Grant, error) {
	known, err := m.admit(sub)
	if err != nil {
		return Grant{}, err
	}
	if err := m.verifier.verify(ctx, sub.target(), sub.envelope("", nil), known); err != nil {
		return Grant{}, err
	}
	feed, err := m.opts.Feeds.Open(ctx, req.Name, sub.arguments, req.Cursor, req.MaxAge)
	if err != nil {
		return Grant{}, err
	}
	sub.watermark, sub.expires = feed.Start(), m.expiry(req.TTL)
	grant := sub.grant(feed.Truncated())
	if err := m.enter(sub, feed); err != nil {
		m.closeFeed(ctx, sub, feed)
		return Grant{}, err
	}
	if err := m.commit(); err != nil {
		m.remove(ctx, sub)
		return Grant{}, err
	}
	return grant, nil
}

// Unsubscribe ends a subscription. When it returns nothing more is delivered. One that is not there is an [*Error] with
// [CodeNotFound].
func (m *Manager) Unsubscribe(ctx context.Context, principal, name string, arguments json.RawMessage, url string) error {
	if principal == "" {
		return forbidden()
	}
	k, err := m.key(ctx, principal, url, name, arguments)
	if err != nil {
		return err
	}
	release, err := m.one.acquire(ctx, k.id)
	if err != nil {
		return err
	}
	defer release()
	if m.life.Err() != nil {
		return shuttingDown()
	}
	sub := m.find(k.id)
	if sub == nil {
		return &Error{
			Code:    CodeNotFound,
			Message: "you have no subscription with this name, these arguments and this delivery.url; it may have expired",
			Data:    map[string]any{"kind": "subscription"},
		}
	}
	m.remove(ctx, sub)
	return m.commit()
}

// Close ends all deliveries and saves how far they got; subscriptions that are kept go on when a manager is made
// again. It returns when that is done, or without waiting longer for feeds to be closed when ctx ends, with its error.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	m.mu.Unlock()
	m.stop()
	ended := make(chan struct{})
	go func() {
		m.couriers.Wait()
		close(ended)
	}()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	m.keeper.Wait()
	if m.store != nil {
		err = errors.Join(err, m.save())
		m.saving.Lock()
		m.sealed = true
		m.saving.Unlock()
		err = errors.Join(err, m.store.close())
	}
	return err
}

// check looks at a request as far as that goes without the endpoint.
func (m *Manager) check(req Request) (endpoint, error) {
	if req.Principal == "" {
		return endpoint{}, forbidden()
	}
	to, err := parseEndpoint(req.URL, m.policy)
	if err != nil {
		return endpoint{}, err
	}
	if err := checkSecret(req.Secret); err != nil {
		return endpoint{}, err
	}
	if req.TTL != nil && *req.TTL <= 0 {
		return endpoint{}, invalid("ttlMs", "must be more than 0, or null to ask for no expiry")
	}
	if req.MaxAge < 0 {
		return endpoint{}, invalid("maxAgeMs", "must not be negative")
	}
	return to, nil
}

func forbidden() *Error {
	return &Error{Code: CodeForbidden, Message: "webhooks are for authenticated clients; use events/poll or events/stream, or authenticate"}
}

// expiry returns when a subscription granted now expires: never later than was wished, zero for never.
func (m *Manager) expiry(wish *time.Duration) time.Time {
	longest := maxTTL
	switch {
	case m.store == nil:
		longest = memoryTTL
	case wish == nil:
		return time.Time{}
	}
	if wish != nil {
		longest = min(longest, *wish)
	}
	return stamp(time.Now().Add(longest))
}
