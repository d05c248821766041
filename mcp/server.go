package mcp

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/keysearch"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

const serverTitle = "Lark events"

// Options configures a [Server].
type Options struct {
	// Name and Version are what the server says of itself. An empty name is lark-events-mcp.
	Name    string
	Version string
	// Consumer makes a consumer: one for each session with tools' subscriptions, and those that the events extension
	// shares. It is called at the first need, never at start-up, and again at the next need if it failed. Its error
	// reaches the user.
	Consumer func() (Consumer, error)
	// Status asks the bus for its status, for the metrics. It must neither start a bus nor keep one running. Nil, an
	// error, or no answer within two seconds: the metrics say that the bus is down.
	Status func(ctx context.Context) (*protocol.Status, error)
	// Keys fills the registry. It is called once, before the first request that looks at keys; nil if that is done.
	Keys func()
	// AppID and Domain are the app listened to, for event_status; empty if none is configured.
	AppID  string
	Domain string
	// Push is what sessions do with an event as it arrives; empty is [PushAuto].
	Push PushMode
	// AllowSenders and AllowChats are the ids of those whose events may be channel messages; without any, no event is
	// one. [CheckAllowLists] says what is wrong with them, and [AllowAnyone] what stands for all.
	AllowSenders, AllowChats []string
	// Logger gets diagnostics; nil discards them.
	Logger *slog.Logger
}

// instructions are what a client puts into the model's context.
func (o Options) instructions() string {
	if o.Push == PushChannel {
		return instructions + channelInstructions
	}
	return instructions
}

// Server serves any number of clients, each with a [Session] of its own.
type Server struct {
	opts   Options
	logger *slog.Logger
	mcp    *mcpserver.MCPServer
	// fill runs Options.Keys once.
	fill func()
	// keys finds keys by words; it is made at the first search.
	keys func() *keysearch.Index

	metrics metrics
	// scraped makes the metrics' handler once.
	scraped  func() http.Handler
	hub      *eventHub
	webhooks Webhooks // nil: not offered

	sessionsMu sync.Mutex
	sessions   map[*Session]bool // those that are not closed
}

// NewServer returns a server. It does no work that a session may never need: schemas, the consumer and the bus
// wait for their first use.
func NewServer(opts Options) *Server {
	if opts.Name == "" {
		opts.Name = "lark-events-mcp"
	}
	if opts.Push == "" {
		opts.Push = PushAuto
	}
	if opts.Keys == nil {
		opts.Keys = func() {}
	}
	s := &Server{opts: opts, sessions: map[*Session]bool{}, fill: sync.OnceFunc(opts.Keys), logger: opts.Logger, keys: sync.OnceValue(func() *keysearch.Index {
		return keysearch.New(eventcore.ListAll(), wantedKeys())
	})}
	s.scraped = sync.OnceValue(s.newMetricsHandler)
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	s.hub = newEventHub(opts.Consumer, &s.metrics, s.logger)
	// mcp-go's own validation of arguments and results stays off: arguments are decoded strictly here with errors
	// a model can act on, and a schema compiled and run on every call would cost more than the call.
	settings := []mcpserver.ServerOption{
		mcpserver.WithTitle(serverTitle),
		mcpserver.WithInstructions(opts.instructions()),
		mcpserver.WithToolCapabilities(false),
		mcpserver.WithResourceCapabilities(true, true),
		mcpserver.WithPromptCapabilities(false),
		mcpserver.WithLogging(),
		mcpserver.WithCompletions(),
		announceEvents(),
		mcpserver.WithResourceCompletionProvider(completer{}),
		mcpserver.WithPromptCompletionProvider(completer{}),
	}
	if opts.Push == PushChannel {
		settings = append(settings, mcpserver.WithExperimental(map[string]any{channelCapability: struct{}{}}))
	}
	s.mcp = mcpserver.NewMCPServer(opts.Name, opts.Version, settings...)
	for _, t := range tools() {
		s.mcp.AddTool(t.definition(), t.handler())
	}
	addResources(s.mcp)
	addPrompts(s.mcp)
	return s
}

// Close ends what no session owns: webhooks, and the subscriptions of polls, with their cleanups. It returns when that is
// done or ctx ends. It is called once, when no client is served any more; [Server.ServeStdio] does that itself.
func (s *Server) Close(ctx context.Context) {
	if s.webhooks != nil {
		if err := s.webhooks.Close(ctx); err != nil {
			s.logger.Warn("webhooks could not be ended in order", "error", err)
		}
	}
	s.hub.close(ctx)
}
