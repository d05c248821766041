package mcp

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// What a model reads of the tools, kept so that a change of it is seen.
func TestToolDefinitionsAreAsKept(t *testing.T) {
	const file = "testdata/tools.json"
	c := serve(t, newFakeConsumer()).listen().initialize()
	answer := c.request("tools/list", nil)
	modern := c.request("tools/list", map[string]any{"_meta": map[string]any{
		mcpgo.MetaKeyProtocolVersion: mcpgo.ProtocolVersion20260728, mcpgo.MetaKeyClientCapabilities: map[string]any{},
	}})
	c.end()
	var got bytes.Buffer
	if err := json.Indent(&got, answer.Result, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the tools are not those of %s; if that is meant, refresh it with -update:\n%s", file, got.Bytes())
	}
	if n := max(len(answer.Result), len(modern.Result)); n > 8<<10 || len(modern.Result) == 0 {
		t.Errorf("tools/list has %d bytes, more than 8 KB of a model's context", n)
	}
	if n := len(instructions); n > 1536 {
		t.Errorf("the instructions have %d bytes, more than 1.5 KB", n)
	}
}

// Every result satisfies its tool's output schema: clients check, and throw away what does not. So does every
// error, because some clients hold errors against the schema too.
func TestResultsSatisfyTheirSchemas(t *testing.T) {
	registerKeys(t, messageDefinition(), reactionDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	listed := decode[struct {
		Tools []struct {
			Name                      string
			InputSchema, OutputSchema json.RawMessage
		}
	}](t, c.request("tools/list", nil).Result)
	input, output := map[string]*jsonschema.Schema{}, map[string]*jsonschema.Schema{}
	for _, tool := range listed.Tools {
		input[tool.Name], output[tool.Name] = compileSchema(t, tool.InputSchema), compileSchema(t, tool.OutputSchema)
	}
	calls := []struct {
		tool, args string
		fails      bool
	}{
		{"list_event_keys", `{}`, false},
		{"list_event_keys", `{"query":"message","limit":1}`, false},
		{"list_event_keys", `{"domain":"nothing"}`, true},
		{"describe_event_key", `{"key":"test.message.receive_v1"}`, false},
		{"describe_event_key", `{"key":"nothing"}`, true},
		{"subscribe_event", `{"key":"test.message.receive_v1","params":{"chat_type":"p2p"},"filter":".","from":"now","push":"auto"}`, false},
		{"subscribe_event", `{"key":"test.message.receive_v1","params":{"chat_type":"x"}}`, true},
		{"poll_events", `{"max_events":200,"wait_seconds":0}`, false},
		{"poll_events", `{"subscription_id":"x"}`, true},
		{"event_status", `{}`, false},
		{"unsubscribe_event", `{"subscription_id":"sub_1"}`, false},
		{"unsubscribe_event", `{"subscription_id":"sub_1"}`, true},
	}
	for _, call := range calls {
		if call.tool == "poll_events" {
			consumer.publish(messageKey, `{"text":"x"}`, `!{"raw":true}`)
		}
		args := decodeJSON(t, []byte(call.args))
		if err := input[call.tool].Validate(args); err != nil {
			t.Errorf("%s %s: the arguments do not satisfy the input schema: %v", call.tool, call.args, err)
		}
		result := decode[toolAnswer](t, c.request("tools/call", toolCall(call.tool, json.RawMessage(call.args))).Result)
		if result.IsError != call.fails {
			t.Errorf("%s %s: %s", call.tool, call.args, result.StructuredContent)
		}
		if err := output[call.tool].Validate(decodeJSON(t, result.StructuredContent)); err != nil {
			t.Errorf("%s %s: %v\n%s", call.tool, call.args, err, result.StructuredContent)
		}
		var text bytes.Buffer
		if err := json.Compact(&text, []byte(result.Content[0].Text)); err != nil || text.String() != result.Content[0].Text {
			t.Errorf("%s: the text is not compact JSON: %s", call.tool, result.Content[0].Text)
		}
		if !bytes.Equal(text.Bytes(), result.StructuredContent) {
			t.Errorf("%s: the text differs from the structured content:\n%s\n%s", call.tool, text.Bytes(), result.StructuredContent)
		}
	}
	for _, refused := range []string{`{}`, `{"error":1}`} {
		if err := output["poll_events"].Validate(decodeJSON(t, []byte(refused))); err == nil {
			t.Errorf("the output schema of poll_events accepts %s", refused)
		}
	}
	c.end()
}

func compileSchema(t *testing.T, text json.RawMessage) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("tool.json", decodeJSON(t, text)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("tool.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return schema
}

func decodeJSON(t *testing.T, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

// What the consumer refuses reaches the model with its code, message, hint and details.
func TestErrorsOfTheConsumerReachTheModel(t *testing.T) {
	registerKeys(t, messageDefinition())
	refusals := []*eventcore.Error{
		{Code: eventcore.CodeInvalidFilter, Message: "the filter does not compile", Hint: "see the jq manual"},
		{Code: eventcore.CodeCredentialsMissing, Message: "LARK_APP_ID is not set", Hint: "set it"},
		{Code: eventcore.CodePermissionDenied, Message: "no", Hint: "grant the scope", Scopes: []string{"im:message"}},
		{Code: eventcore.CodePlatformError, Message: "Lark said no", Hint: "try later", PlatformCode: 99991663},
		{Code: eventcore.CodeSingleConsumer, Message: "somebody else has it", Hint: "end that"},
		{Code: eventcore.CodeBusUnavailable, Message: "no bus", Hint: "start one"},
		{Code: eventcore.CodeInternal, Message: "something broke", Hint: "report it"},
	}
	for _, refusal := range refusals {
		t.Run(string(refusal.Code), func(t *testing.T) {
			consumer := newFakeConsumer()
			consumer.subscribeErr = refusal
			c := serve(t, consumer).listen().initialize()
			got := c.toolError("subscribe_event", map[string]any{"key": messageKey})
			want := decode[map[string]any](t, json.RawMessage(quotedJSON(t, refusal)))
			if quotedJSON(t, got) != quotedJSON(t, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			c.end()
		})
	}
}

func quotedJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestConsumerThatCannotBeMadeIsTriedAgain(t *testing.T) {
	registerKeys(t, messageDefinition())
	missing := &eventcore.Error{Code: eventcore.CodeCredentialsMissing, Message: "LARK_APP_ID is not set", Hint: "set it"}
	var err error = missing
	c := serve(t, nil, func(o *Options) {
		o.Consumer = func() (Consumer, error) {
			if err != nil {
				return nil, err
			}
			return newFakeConsumer(), nil
		}
	}).listen().initialize()
	if got := c.toolError("subscribe_event", map[string]any{"key": messageKey}); got["code"] != "credentials_missing" {
		t.Errorf("got %v", got)
	}
	status := decode[statusView](t, c.tool("event_status", nil))
	if len(status.Problems) != 1 || status.Problems[0].Code != eventcore.CodeCredentialsMissing || status.Problems[0].Hint != "set it" {
		t.Errorf("problems are %+v", status.Problems)
	}
	err = nil
	c.subscribe(map[string]any{"key": messageKey})
	c.end()
}

func TestSubscribingAgainReturnsTheSame(t *testing.T) {
	registerKeys(t, messageDefinition())
	c := serve(t, newFakeConsumer()).listen().initialize()
	first := c.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"chat_type": "p2p"}})
	again := c.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"chat_type": "p2p"}})
	other := c.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"chat_type": "group"}})
	if again.SubscriptionID != first.SubscriptionID || other.SubscriptionID == first.SubscriptionID {
		t.Errorf("got %s, again %s, with other params %s", first.SubscriptionID, again.SubscriptionID, other.SubscriptionID)
	}
	c.end()
}

func TestSubscriptionsAreLimited(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	for n := range maxSubscriptions {
		c.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"min_length": n}})
	}
	if e := c.toolError("subscribe_event", map[string]any{"key": messageKey, "params": map[string]any{"min_length": -1}}); e["code"] != "limit_reached" {
		t.Errorf("got %v", e)
	}
	if n := len(consumer.subs); n != maxSubscriptions {
		t.Errorf("the consumer has %d subscriptions", n)
	}
	if e := c.toolError("subscribe_event", map[string]any{"key": messageKey, "filter": "."}); e["code"] != "limit_reached" {
		t.Errorf("got %v", e)
	}
	c.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"min_length": 5}}) // is there already
	c.tool("unsubscribe_event", map[string]any{"subscription_id": "sub_1"})
	c.subscribe(map[string]any{"key": messageKey, "filter": "."})
	c.end()
}

func TestFailedCleanupIsReported(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	consumer.cleanupErr = &eventcore.Error{Code: eventcore.CodePlatformError, Message: "Lark said no", Hint: "it ends by itself"}
	c := serve(t, consumer).listen().initialize()
	sub := c.subscribe(map[string]any{"key": messageKey})
	result := decode[unsubscribeResult](t, c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID}))
	if result.Cleanup != "failed" || result.Detail != "Lark said no (it ends by itself)" {
		t.Errorf("got %+v", result)
	}
	c.end()
}
