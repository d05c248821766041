package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func newSchemaCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "schema KEY", Short: "What an event key means: params, payload, scopes, an example", Args: oneKey,
		Example: "  lark-events-mcp schema im.message.receive_v1\n  lark-events-mcp schema im.message.receive_v1 --json | jq .payload_schema",
		PreRun:  registerKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			def, ok := eventcore.Lookup(args[0])
			if !ok {
				return eventcore.UnknownKey(args[0])
			}
			payload, err := eventcore.PayloadSchema(def.Key)
			if err != nil {
				return err
			}
			params, err := eventcore.ParamsSchema(def.Key)
			if err != nil {
				return err
			}
			if !asJSON {
				return printed(describeKey(cmd.OutOrStdout(), def, payload))
			}
			described := map[string]any{
				"key": def.Key, "title": def.DisplayName, "description": def.Description, "event_type": def.EventType,
				"auth_types": def.AuthTypes, "scopes": def.Scopes, "required_console_events": def.RequiredConsoleEvents,
				"params_schema": params, "payload_schema": payload, "example": def.Example, "single_consumer": def.SingleConsumer,
			}
			if def.SupersededBy != "" {
				described["superseded_by"] = def.SupersededBy
			}
			return printJSON(cmd.OutOrStdout(), described)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// oneKey wants exactly one argument.
func oneKey(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s wants one event key, got %d arguments; lark-events-mcp list shows the keys", cmd.CommandPath(), len(args))}
	}
	return nil
}

// describeKey prints a definition for people.
func describeKey(out io.Writer, def *eventcore.KeyDefinition, payload json.RawMessage) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n\n%s\n\n", def.Key, def.DisplayName, def.Description)
	line := func(label string, values []string) {
		if len(values) > 0 {
			fmt.Fprintf(&text, "%-15s %s\n", label, strings.Join(values, ", "))
		}
	}
	line("Event type", []string{def.EventType})
	line("Listens as", def.AuthTypes)
	line("Scopes", def.Scopes)
	line("Console events", def.RequiredConsoleEvents)
	if def.SingleConsumer {
		line("Consumers", []string{"one at a time"})
	}
	for i, p := range def.Params {
		if i == 0 {
			text.WriteString("\nParams\n")
		}
		describeParam(&text, p)
	}
	for _, part := range []struct {
		title string
		value json.RawMessage
	}{{"Payload schema", payload}, {"Example", def.Example}} {
		if len(part.value) == 0 {
			continue
		}
		fmt.Fprintf(&text, "\n%s\n", part.title)
		if err := printJSON(&text, part.value); err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func describeParam(text *strings.Builder, p eventcore.ParamDef) {
	note := ""
	switch {
	case p.Required:
		note = ", required"
	case p.Default != "":
		note = ", default " + p.Default
	}
	fmt.Fprintf(text, "  %s (%s%s)  %s\n", p.Name, p.Type, note, p.Description)
	for _, v := range p.Values {
		fmt.Fprintf(text, "      %-20s %s\n", v.Value, v.Desc)
	}
}
