// Command gen writes what comes from the SDK's source, so that the program needs not link it: package platform, with the
// types of all events that the SDK's dispatcher knows, and the native keys, one for each of them that no package under
// keys defines itself. It is run in keys by go generate.
//
// The event types and their Go types come from the SDK's source; what a reader needs to choose comes from the tables
// in keys/native/tables, one for each domain. It fails on an event type that the tables do not describe, on an entry
// that no event type needs, and on a field that does not exist.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/keys/curated"
)

func main() {
	skeleton := flag.String("skeleton", "", "print the event types of this domain with their fields, and write nothing")
	flag.Parse()
	if err := run(*skeleton); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(skeleton string) error {
	sdk, err := loadDispatcher()
	if err != nil {
		return err
	}
	events, err := eventsOf(sdk)
	if err != nil {
		return err
	}
	files, err := generatePlatform(events)
	if err != nil {
		return err
	}
	events = slices.DeleteFunc(events, isCurated())
	if skeleton != "" {
		printSkeleton(events, skeleton)
		return nil
	}
	tables, err := readTables(filepath.Join("native", "tables"))
	if err != nil {
		return err
	}
	keys, err := generate(perDomain(events), tables)
	if err != nil {
		return err
	}
	maps.Copy(files, keys)
	return replace(files)
}

func perDomain(events []*event) map[string][]*event {
	byDomain := map[string][]*event{}
	for _, e := range events {
		byDomain[e.domain()] = append(byDomain[e.domain()], e)
	}
	return byDomain
}

// isCurated reports which event types have a key of our own.
func isCurated() func(*event) bool {
	known := map[string]bool{}
	for _, def := range curated.Keys() {
		known[def.EventType] = true
	}
	return func(e *event) bool { return known[e.name] }
}

func printSkeleton(events []*event, domain string) {
	for _, e := range events {
		if e.domain() != domain {
			continue
		}
		fmt.Printf("%s  (%s)\n", e.name, e.data)
		for _, f := range fieldsOf(e.data) {
			fmt.Printf("    %-50s %-8s %s\n", f.pointer, f.kind, strings.TrimPrefix(f.typ, "untyped "))
		}
	}
}
