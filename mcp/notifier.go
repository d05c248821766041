package mcp

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// notifier tells a client which resources changed. What the client has not been told yet is a set, not a queue:
// however slowly it reads, the memory used is bounded and the last state is told in the end.
type notifier struct {
	out sender
	// tag is the id of the subscriptions/listen request whose stream this is; every notification on it carries
	// the tag. Nil outside of streams.
	tag json.RawMessage
	// relayed are the notifications that mcp-go itself makes. It drops what finds the channel full, so that the
	// channel has room and is always read. The first one on a stream is its acknowledgement.
	relayed chan mcpgo.JSONRPCNotification

	mu          sync.Mutex
	updated     []string // URIs, in the order in which they changed
	listChanged bool
	wake        chan struct{}
}

func newNotifier(out sender, tag json.RawMessage) *notifier {
	return &notifier{
		out: out, tag: tag,
		relayed: make(chan mcpgo.JSONRPCNotification, 16),
		wake:    make(chan struct{}, 1),
	}
}

// resourceUpdated tells of a change of uri's content. It does not block.
func (n *notifier) resourceUpdated(uri string) {
	n.mu.Lock()
	if !slices.Contains(n.updated, uri) {
		n.updated = append(n.updated, uri)
	}
	n.mu.Unlock()
	n.signal()
}

// resourceListChanged tells of a change of the list of resources. It does not block.
func (n *notifier) resourceListChanged() {
	n.mu.Lock()
	n.listChanged = true
	n.mu.Unlock()
	n.signal()
}

func (n *notifier) signal() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// run sends until open ends, and then what mcp-go has still said: an acknowledgement is owed also by a stream that
// ends at once. It is cut short by the end of life or of the connection.
func (n *notifier) run(open, life context.Context) {
	wake := n.wake
	if n.tag != nil {
		wake = nil // nothing goes out on a stream before its acknowledgement
	}
	for {
		var lines [][]byte
		select {
		case <-open.Done():
			n.finish(life)
			return
		case relayed := <-n.relayed:
			lines = n.encodeRelayed(relayed)
			wake = n.wake
		case <-wake:
			lines = n.take()
		}
		for _, line := range lines {
			if n.out.send(life, line) != nil {
				return
			}
		}
	}
}

func (n *notifier) finish(life context.Context) {
	for {
		select {
		case relayed := <-n.relayed:
			for _, line := range n.encodeRelayed(relayed) {
				if n.out.send(life, line) != nil {
					return
				}
			}
		default:
			return
		}
	}
}

func (n *notifier) encodeRelayed(relayed mcpgo.JSONRPCNotification) [][]byte {
	if n.tag != nil {
		relayed.Params.Meta = n.meta()
	}
	line, err := encode(relayed)
	if err != nil {
		return nil
	}
	return [][]byte{line}
}

// take returns the lines for all that is to be told, and forgets it.
func (n *notifier) take() [][]byte {
	n.mu.Lock()
	updated, listChanged := n.updated, n.listChanged
	n.updated, n.listChanged = nil, false
	n.mu.Unlock()

	var lines [][]byte
	add := func(method string, params map[string]any) {
		if n.tag != nil {
			params["_meta"] = n.meta()
		}
		if line, err := encodeNotification(method, params); err == nil {
			lines = append(lines, line)
		}
	}
	if listChanged {
		add(mcpgo.MethodNotificationResourcesListChanged, map[string]any{})
	}
	for _, uri := range updated {
		add(mcpgo.MethodNotificationResourceUpdated, map[string]any{"uri": uri})
	}
	return lines
}

func (n *notifier) meta() map[string]any {
	return map[string]any{mcpgo.MetaKeySubscriptionID: n.tag}
}
