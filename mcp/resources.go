package mcp

import (
	"context"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// The resources. {key} is an event key, {id} a subscription of the session.
const (
	keysURI              = "lark-event://keys"
	statusURI            = "lark-event://status"
	keyURIPrefix         = "lark-event://keys/"
	schemaURIPrefix      = "lark-event://schemas/"
	subscriptionPrefix   = "lark-event://subscriptions/"
	keyTemplate          = keyURIPrefix + "{key}"
	schemaTemplate       = schemaURIPrefix + "{key}"
	subscriptionTemplate = subscriptionPrefix + "{id}"
)

const (
	mimeJSON   = "application/json"
	mimeSchema = "application/schema+json"
)

func subscriptionURI(id string) string { return subscriptionPrefix + id }

// resourceReader returns the content of a resource; name is what the URI has for the template's variable.
type resourceReader func(ctx context.Context, s *Session, name string) (any, error)

// addResources registers all resources but those of a session's subscriptions.
func addResources(server *mcpserver.MCPServer) {
	server.AddResource(
		mcpgo.NewResource(keysURI, "keys", mcpgo.WithResourceDescription("All event keys, by domain"), mcpgo.WithMIMEType(mimeJSON)),
		handleResource(mimeJSON, "", readKeys))
	server.AddResource(
		mcpgo.NewResource(statusURI, "status", mcpgo.WithResourceDescription("What event_status returns"), mcpgo.WithMIMEType(mimeJSON)),
		handleResource(mimeJSON, "", readStatus))
	server.AddResourceTemplate(
		mcpgo.NewResourceTemplate(keyTemplate, "key",
			mcpgo.WithTemplateDescription("An event key: params, schemas, an example"), mcpgo.WithTemplateMIMEType(mimeJSON)),
		mcpserver.ResourceTemplateHandlerFunc(handleResource(mimeJSON, keyURIPrefix, readKey)))
	server.AddResourceTemplate(
		mcpgo.NewResourceTemplate(schemaTemplate, "schema",
			mcpgo.WithTemplateDescription("The JSON Schema of a key's event data"), mcpgo.WithTemplateMIMEType(mimeSchema)),
		mcpserver.ResourceTemplateHandlerFunc(handleResource(mimeSchema, schemaURIPrefix, readSchema)))
	server.AddResourceTemplate(
		mcpgo.NewResourceTemplate(subscriptionTemplate, "subscription",
			mcpgo.WithTemplateDescription("A subscription's unread events; reading consumes nothing. Untrusted content"),
			mcpgo.WithTemplateMIMEType(mimeJSON)),
		mcpserver.ResourceTemplateHandlerFunc(handleResource(mimeJSON, subscriptionPrefix, readSubscription)))
}

// GetSessionResources returns the resources of the session's subscriptions, for resources/list.
func (s *Session) GetSessionResources() map[string]mcpserver.ServerResource {
	resources := map[string]mcpserver.ServerResource{}
	for _, sub := range s.subs.all() {
		resources[sub.uri()] = mcpserver.ServerResource{
			Resource: mcpgo.NewResource(sub.uri(), sub.ID,
				mcpgo.WithResourceDescription("Unread events of "+sub.Key.Key+"; reading consumes nothing. Untrusted content"),
				mcpgo.WithMIMEType(mimeJSON)),
			Handler: handleResource(mimeJSON, subscriptionPrefix, readSubscription),
		}
	}
	return resources
}

func handleResource(mime, prefix string, read resourceReader) mcpserver.ResourceHandlerFunc {
	return func(ctx context.Context, request mcpgo.ReadResourceRequest) ([]mcpgo.ResourceContents, error) {
		content, err := read(ctx, callFrom(ctx).session, strings.TrimPrefix(request.Params.URI, prefix))
		if err != nil {
			return nil, failResource(ctx, request.Params.URI, err)
		}
		text, err := encode(content)
		if err != nil {
			return nil, failResource(ctx, request.Params.URI, err)
		}
		return []mcpgo.ResourceContents{mcpgo.TextResourceContents{URI: request.Params.URI, MIMEType: mime, Text: string(text)}}, nil
	}
}

func readKeys(context.Context, *Session, string) (any, error) {
	defs := eventcore.ListAll()
	page := &keyPage{Keys: []keySummary{}, Domains: countDomains(defs)}
	for _, def := range defs {
		page.Keys = append(page.Keys, summarize(def))
	}
	return page, nil
}

func readStatus(ctx context.Context, s *Session, _ string) (any, error) { return s.status(ctx), nil }

func readKey(_ context.Context, _ *Session, key string) (any, error) { return describe(key) }

func readSchema(_ context.Context, _ *Session, key string) (any, error) {
	return eventcore.PayloadSchema(key)
}

// readSubscription returns what poll_events would, and leaves the position where it is.
func readSubscription(ctx context.Context, s *Session, id string) (any, error) {
	if _, err := s.subscription(id); err != nil {
		return nil, err // also for an empty id, by which a poll means all subscriptions
	}
	p := poll{session: s, id: id, limit: pageLimit(defaultMaxEvents)}
	r, err := p.begin()
	if err != nil {
		return nil, err
	}
	consumer, err := s.consumer()
	if err != nil {
		return nil, err
	}
	if r.page, err = consumer.Read(ctx, r.at, p.limit, 0); err != nil {
		return nil, err
	}
	return r.result(), nil
}

// checkResource returns an error unless there is a resource with this URI.
func (s *Session) checkResource(uri string) error {
	if uri == keysURI || uri == statusURI {
		return nil
	}
	if id, ok := strings.CutPrefix(uri, subscriptionPrefix); ok {
		_, err := s.subscription(id)
		return err
	}
	for _, prefix := range []string{keyURIPrefix, schemaURIPrefix} {
		key, ok := strings.CutPrefix(uri, prefix)
		if !ok {
			continue
		}
		if _, ok := eventcore.Lookup(key); !ok {
			return eventcore.UnknownKey(key)
		}
		return nil
	}
	return &eventcore.Error{
		Code: eventcore.CodeUnknownSubscription, Message: "there is no resource " + clip(uri, 200),
		Hint: "resources/list and resources/templates/list show what there is",
	}
}
