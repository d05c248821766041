package larksim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

// What a Platform accepts if [Options] do not say otherwise.
const (
	DefaultAppID     = "cli_a1b2c3d4e5f6a7b8"
	DefaultAppSecret = "simSecretNeverShown0123456789abcd"
	DefaultUserToken = "u-simUserTokenNeverShown0123456789"
)

// Options shape the platform; the zero value behaves as the real one is known to.
type Options struct {
	AppID     string // default [DefaultAppID]
	AppSecret string // default [DefaultAppSecret]
	// PingInterval and ReconnectInterval are sent to clients in whole seconds, rounded up; default 2 min each.
	PingInterval      time.Duration
	ReconnectInterval time.Duration
	// MaxConnections is how many may be open at once; default 50.
	MaxConnections int
	// AckTimeout is how long an answer is awaited; default 3 s.
	AckTimeout time.Duration
	// Redelivery are the pauses before each further attempt; default 15 s, 5 min, 1 h, 6 h. After the last one
	// the platform gives up.
	Redelivery []time.Duration
	// ChunkSize splits larger bodies, in bytes; 0 never splits.
	ChunkSize int
	// TokenLife is how long a tenant access token is valid; default 2 h.
	TokenLife time.Duration
	// UserAccessTokens are accepted as a user's; default [DefaultUserToken].
	UserAccessTokens []string
}

// Platform is a running simulated platform. Its methods may be called from many goroutines at once.
type Platform struct {
	options Options
	server  *http.Server
	url     string

	running sync.WaitGroup
	closing chan struct{}
	once    sync.Once

	// mu guards what follows. changed is signalled after every change that an Await method may wait for.
	mu         sync.Mutex
	changed    *sync.Cond
	counts     Counts
	config     frame.ClientConfig
	retuned    bool
	bootstraps []BootstrapAnswer
	handshakes []HandshakeAnswer
	tickets    map[string]bool
	issued     []string // see Issued
	live       []*conn
	serial     uint64

	unanswered map[string]*attempt
	overdue    []*attempt
	later      []retry

	api api
}

// Start starts a platform on a free port of 127.0.0.1.
func Start(options Options) (*Platform, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the simulated platform: %w", err)
	}
	p := &Platform{
		options: options.withDefaults(), url: "http://" + listener.Addr().String(),
		closing: make(chan struct{}), tickets: map[string]bool{}, unanswered: map[string]*attempt{},
	}
	p.changed = sync.NewCond(&p.mu)
	p.config = newClientConfig(p.options.PingInterval, p.options.ReconnectInterval)
	p.api = newAPI(p.options)
	p.server = &http.Server{Handler: p.tracked(p.routes()), ReadHeaderTimeout: 10 * time.Second}
	p.running.Add(2)
	go func() {
		defer p.running.Done()
		_ = p.server.Serve(listener) // ends by Close
	}()
	go func() {
		defer p.running.Done()
		p.sweep()
	}()
	return p, nil
}

// URL is the base URL, to be used as LARK_DOMAIN.
func (p *Platform) URL() string { return p.url }

// AppID is the id of the one app that the platform knows.
func (p *Platform) AppID() string { return p.options.AppID }

// AppSecret is the secret of the app.
func (p *Platform) AppSecret() string { return p.options.AppSecret }

// Close drops every connection and returns when nothing of the platform is running. Receipts of events that were
// not acknowledged stay unsettled.
func (p *Platform) Close() {
	p.once.Do(func() {
		p.mu.Lock()
		close(p.closing)
		p.changed.Broadcast()
		p.mu.Unlock()
		p.server.Close()
		p.DropConnections()
	})
	p.running.Wait()
}

func (p *Platform) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /callback/ws/endpoint", p.serveEndpoint)
	mux.HandleFunc("GET "+socketPath, p.serveSocket)
	mux.HandleFunc("POST /open-apis/auth/v3/tenant_access_token/internal", p.serveToken)
	mux.HandleFunc("/open-apis/", p.serveAPI)
	return mux
}

// tracked lets Close wait for handlers, which http.Server.Close does not. A handler that passes the check under the
// lock is counted before Close waits.
func (p *Platform) tracked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		if p.isClosing() {
			p.mu.Unlock()
			return
		}
		p.running.Add(1)
		p.mu.Unlock()
		defer p.running.Done()
		next.ServeHTTP(w, r)
	})
}

func (p *Platform) isClosing() bool {
	select {
	case <-p.closing:
		return true
	default:
		return false
	}
}

// hang blocks a handler until its client leaves or the platform closes.
func (p *Platform) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-p.closing:
	}
}

// await blocks until done, called with the lock held, returns true.
func (p *Platform) await(ctx context.Context, done func() bool) error {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !done() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p.isClosing() {
			return errors.New("the simulated platform was closed")
		}
		p.changed.Wait()
	}
	return nil
}

func (o Options) withDefaults() Options {
	set := func(value *string, fallback string) {
		if *value == "" {
			*value = fallback
		}
	}
	last := func(value *time.Duration, fallback time.Duration) {
		if *value <= 0 {
			*value = fallback
		}
	}
	set(&o.AppID, DefaultAppID)
	set(&o.AppSecret, DefaultAppSecret)
	last(&o.PingInterval, 2*time.Minute)
	last(&o.ReconnectInterval, 2*time.Minute)
	last(&o.AckTimeout, 3*time.Second)
	last(&o.TokenLife, 2*time.Hour)
	if o.MaxConnections <= 0 {
		o.MaxConnections = 50
	}
	if o.Redelivery == nil {
		o.Redelivery = []time.Duration{15 * time.Second, 5 * time.Minute, time.Hour, 6 * time.Hour}
	}
	if o.UserAccessTokens == nil {
		o.UserAccessTokens = []string{DefaultUserToken}
	}
	return o
}
