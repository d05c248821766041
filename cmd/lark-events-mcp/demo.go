package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	mcpgo "github.com/mark3labs/mcp-go/mcp"
	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/mcp"
)

const demoLong = `Show the whole loop on this machine, without an account: a simulated Lark, a bus with its long connection to it, the
MCP server, and an agent that finds an event key, reads what it means, subscribes, and receives events. It prints
what the agent asks and gets, and ends by itself.`

const (
	demoTimeout = 20 * time.Second
	demoWait    = 10 // seconds, of each poll
	demoPause   = 150 * time.Millisecond
	demoWidth   = 600 // characters of an answer that are shown
)

func newDemoCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "The whole loop on this machine, no account needed", Long: demoLong, Args: noArgs,
		PreRun: registerKeys,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), demoTimeout)
			defer cancel()
			log := discard()
			if g.logLevel != "" {
				var err error
				if log, err = g.logger(0); err != nil {
					return err
				}
			}
			sim, err := startDemo(ctx, log)
			if err != nil {
				return err
			}
			defer sim.close()
			return runDemo(ctx, cmd.OutOrStdout(), sim, mcp.Options{Version: version(), Push: mcp.PushAuto, Logger: log})
		},
	}
}

// runDemo serves on pipes and plays the agent at their other ends.
func runDemo(ctx context.Context, out io.Writer, sim *simulated, opts mcp.Options) (err error) {
	toServer, fromAgent := io.Pipe()
	toAgent, fromServer := io.Pipe()
	var serving sync.WaitGroup
	var serveErr error
	serving.Go(func() {
		serveErr = mcp.NewServer(serverOptions(opts, sim.access)).ServeStdio(ctx, toServer, fromServer)
		fromServer.Close()
	})
	defer func() {
		fromAgent.Close()
		serving.Wait()
		err = errors.Join(err, serveErr)
	}()
	session := client.NewClient(transport.NewIO(toAgent, fromAgent, io.NopCloser(strings.NewReader(""))))
	agent := &demoAgent{session: session, out: out}
	if err := session.Start(ctx); err != nil {
		return fmt.Errorf("start the demo's client: %w", err)
	}
	if err := agent.play(ctx, sim); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// demoAgent is an agent that shows what it asks and gets.
type demoAgent struct {
	session *client.Client
	mu      sync.Mutex // guards out: notifications come from another goroutine
	out     io.Writer
}

// play is the story of the demo.
func (a *demoAgent) play(ctx context.Context, sim *simulated) error {
	pushed := make(chan struct{}, 100)
	a.session.OnNotification(func(n mcpgo.JSONRPCNotification) {
		text, _ := json.Marshal(n.Params.AdditionalFields)
		a.show("   pushed  %s %s", n.Method, clip(string(text)))
		pushed <- struct{}{}
	})
	a.show("A simulated Lark runs at %s, app %s.\n", sim.platform.URL(), sim.platform.AppID())
	hello, err := a.session.Initialize(ctx, mcpgo.InitializeRequest{Params: mcpgo.InitializeParams{
		ProtocolVersion: mcpgo.LATEST_LEGACY_PROTOCOL_VERSION,
		ClientInfo:      mcpgo.Implementation{Name: "demo-agent", Version: version()},
	}})
	if err != nil {
		return err
	}
	a.show("The agent connects over MCP %s to %s %s.", hello.ProtocolVersion, hello.ServerInfo.Name, hello.ServerInfo.Version)

	a.say("It looks for what it could listen to,")
	if _, err := a.call(ctx, "list_event_keys", map[string]any{"query": "someone writes a message", "limit": 3}); err != nil {
		return err
	}
	a.say("reads what the key means,")
	if _, err := a.call(ctx, "describe_event_key", map[string]any{"key": "im.message.receive_v1"}); err != nil {
		return err
	}
	a.say("and subscribes: group messages only, and none by the bot.")
	subscribed, err := a.call(ctx, "subscribe_event", map[string]any{
		"key": "im.message.receive_v1", "params": map[string]any{"chat_type": "group"}, "filter": `.sender_type != "app"`,
	})
	if err != nil {
		return err
	}
	id, _ := subscribed["subscription_id"].(string)
	a.say("It asks to be told when something is there.")
	uri := "lark-event://subscriptions/" + id
	//lint:ignore SA1019 the demo's agent speaks the protocol that most clients do, in which this is how to subscribe
	if err := a.session.Subscribe(ctx, mcpgo.SubscribeRequest{Params: mcpgo.SubscribeParams{URI: uri}}); err != nil {
		return err
	}
	a.show("-> resources/subscribe %s", uri)

	a.say("Meanwhile, at the company:")
	story := sim.platform.CompanyChat()
	for _, step := range story.Steps {
		a.show("   * %s", step.Title)
	}
	if _, err := story.Play(ctx, demoPause); err != nil {
		return err
	}
	a.say("The agent was told, and reads:")
	select {
	case <-pushed:
	case <-ctx.Done():
		return errors.New("the agent was not told of the events")
	}
	if err := a.readAll(ctx, id); err != nil {
		return err
	}
	a.say("It looks at how things stand, and leaves.")
	if _, err := a.call(ctx, "event_status", nil); err != nil {
		return err
	}
	_, err = a.call(ctx, "unsubscribe_event", map[string]any{"subscription_id": id})
	return err
}

// readAll polls until the group's five messages are there.
func (a *demoAgent) readAll(ctx context.Context, id string) error {
	const messages = 5
	for got := 0; got < messages; {
		page, err := a.call(ctx, "poll_events", map[string]any{"subscription_id": id, "wait_seconds": demoWait})
		if err != nil {
			return err
		}
		events, _ := page["events"].([]any)
		if len(events) == 0 {
			return fmt.Errorf("%d of %d messages arrived", got, messages)
		}
		got += len(events)
	}
	return nil
}

// call calls a tool, shows both sides, and returns the structured result.
func (a *demoAgent) call(ctx context.Context, tool string, args map[string]any) (map[string]any, error) {
	question, _ := json.Marshal(args)
	if args == nil {
		question = []byte("{}")
	}
	a.show("-> %s %s", tool, question)
	result, err := a.session.CallTool(ctx, mcpgo.CallToolRequest{Params: mcpgo.CallToolParams{Name: tool, Arguments: args}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	answer, err := json.Marshal(result.StructuredContent)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	if result.IsError {
		return nil, fmt.Errorf("%s: %s", tool, answer)
	}
	structured, _ := result.StructuredContent.(map[string]any)
	events, isPage := structured["events"].([]any)
	if !isPage {
		a.show("<- %s", clip(string(answer)))
		return structured, nil
	}
	a.show("<- %d events", len(events))
	for _, event := range events {
		text, _ := json.Marshal(event)
		a.show("   %s", clip(string(text)))
	}
	return structured, nil
}

func (a *demoAgent) say(text string) { a.show("\n%s", text) }

func (a *demoAgent) show(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fmt.Fprintf(a.out, format+"\n", args...)
}

// clip shortens an answer for the reader.
func clip(text string) string {
	runes := []rune(text)
	if len(runes) <= demoWidth {
		return text
	}
	return fmt.Sprintf("%s … (%d characters more)", string(runes[:demoWidth]), len(runes)-demoWidth)
}
