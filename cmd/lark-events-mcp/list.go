package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// listedKey is a key in the output of list --json.
type listedKey struct {
	Key         string   `json:"key"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Auth        []string `json:"auth"`
	Params      []string `json:"params"`
}

func newListCommand() *cobra.Command {
	var domain string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "The event keys that can be subscribed to", Args: noArgs,
		Example: "  lark-events-mcp list --domain im",
		PreRun:  registerKeys,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := listKeys(domain)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"keys": keys})
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "KEY\tAS\tPARAMS\tTITLE")
			for _, k := range keys {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", k.Key, dash(strings.Join(k.Auth, ",")), dash(strings.Join(k.Params, ",")), k.Title)
			}
			return printed(table.Flush())
		},
	}
	cmd.Flags().StringVar(&domain, "domain", "", "only keys of this domain, the part before the first dot, such as im")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// listKeys returns the keys of a domain, or all.
func listKeys(domain string) ([]listedKey, error) {
	found := []listedKey{}
	var domains []string
	for _, def := range eventcore.ListAll() {
		domains = append(domains, def.Domain())
		if domain != "" && def.Domain() != domain {
			continue
		}
		k := listedKey{Key: def.Key, Title: def.DisplayName, Description: def.Description, Auth: def.AuthTypes, Params: []string{}}
		for _, p := range def.Params {
			k.Params = append(k.Params, p.Name)
		}
		found = append(found, k)
	}
	if len(found) == 0 {
		slices.Sort(domains)
		domains = slices.Compact(domains)
		return nil, usageError{fmt.Errorf("there is no domain %q; the domains are %s", domain, strings.Join(domains, ", "))}
	}
	return found, nil
}

// dash shows an empty table cell.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
