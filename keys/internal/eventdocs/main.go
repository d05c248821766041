// Command eventdocs writes the reference of the event keys from the registry: docs/events.md, the list, and a page for
// each domain in docs/events. It is run by go generate in package keys; its argument is the docs folder.
package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys"
)

//go:embed *.tmpl
var templates embed.FS

// domain is one domain's keys, sorted.
type domain struct {
	Name, Description string
	Keys              []*eventcore.KeyDefinition
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: eventdocs FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "eventdocs:", err)
		os.Exit(1)
	}
}

func run(docs string) error {
	keys.Register()
	var domains []domain
	for _, def := range eventcore.ListAll() {
		name := def.Domain()
		i := slices.IndexFunc(domains, func(d domain) bool { return d.Name == name })
		if i < 0 {
			i = len(domains)
			domains = append(domains, domain{Name: name, Description: eventcore.DomainDescription(name)})
		}
		domains[i].Keys = append(domains[i].Keys, def)
	}
	slices.SortFunc(domains, func(a, b domain) int { return strings.Compare(a.Name, b.Name) })

	pages, err := template.New("").Funcs(template.FuncMap{
		"join": strings.Join, "cell": cell, "anchor": anchor, "indent": indented, "typed": typed,
	}).ParseFS(templates, "*.tmpl")
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	write := func(name, page string, data any) error {
		var text bytes.Buffer
		if err := pages.ExecuteTemplate(&text, page, data); err != nil {
			return err
		}
		files[name] = text.Bytes()
		return nil
	}
	if err := write("events.md", "events.md.tmpl", domains); err != nil {
		return err
	}
	for _, d := range domains {
		if err := write(filepath.Join("events", d.Name+".md"), "domain.md.tmpl", d); err != nil {
			return err
		}
	}
	return replace(docs, files)
}

// replace writes the files, and removes the pages of domains that are no more.
func replace(docs string, files map[string][]byte) error {
	if err := os.RemoveAll(filepath.Join(docs, "events")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(docs, "events"), 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(docs, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// cell makes text fit into a table's cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

// anchor is the fragment that leads to a heading which is a key in backticks.
func anchor(key string) string {
	return strings.ToLower(strings.NewReplacer(".", "", " ", "-").Replace(key))
}

func indented(raw json.RawMessage) (string, error) {
	var text bytes.Buffer
	err := json.Indent(&text, raw, "", "  ")
	return strings.TrimSpace(text.String()), err
}

// typed is a param's type, and whether it must be given.
func typed(p eventcore.ParamDef) string {
	switch {
	case p.Required:
		return string(p.Type) + ", required"
	case p.Default != "":
		return fmt.Sprintf("%s, default `%s`", p.Type, p.Default)
	}
	return string(p.Type)
}
