package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/template"
)

//go:embed *.tmpl
var templates embed.FS

// generate returns the files of package native, by name: NAME_gen.go for each domain, keys_gen.go for the list of them,
// and the examples.
func generate(byDomain map[string][]*event, all tables) (map[string][]byte, error) {
	files := map[string][]byte{}
	domains := slices.Sorted(maps.Keys(byDomain))
	var failed error
	for _, domain := range domains {
		keys, err := merge(domain, byDomain[domain], all)
		failed = errors.Join(failed, err)
		if failed != nil {
			continue
		}
		source, err := render("domain.go.tmpl", newFile(domain, keys))
		if err != nil {
			return nil, err
		}
		files[filepath.Join("native", domain+"_gen.go")] = source
		for _, key := range keys {
			example, err := json.MarshalIndent(key.example(), "", "  ")
			if err != nil {
				return nil, err
			}
			files[filepath.Join("native", "examples", key.name+".json")] = append(example, '\n')
		}
	}
	for domain := range all {
		if domain != commonTable && byDomain[domain] == nil {
			failed = errors.Join(failed, fmt.Errorf("tables/%s.json: no event type of the domain needs it", domain))
		}
	}
	if failed != nil {
		return nil, failed
	}
	var functions []string
	for _, domain := range domains {
		functions = append(functions, goName(domain)+"Keys")
	}
	list, err := render("keys.go.tmpl", functions)
	if err != nil {
		return nil, err
	}
	files[filepath.Join("native", "keys_gen.go")] = list
	return files, nil
}

// replace writes the files, and removes those of an earlier run that are not among them.
func replace(files map[string][]byte) error {
	var old []string
	for _, pattern := range []string{"native/*_gen.go", "native/examples/*.json", "internal/platform/*_gen.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		old = append(old, found...)
	}
	for _, name := range old {
		if files[name] == nil {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func render(name string, data any) ([]byte, error) {
	parsed, err := template.New(name).ParseFS(templates, name)
	if err != nil {
		return nil, err
	}
	var source bytes.Buffer
	if err := parsed.Execute(&source, data); err != nil {
		return nil, err
	}
	formatted, err := format.Source(source.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return formatted, nil
}

// file is the content of one domain's file, as the template takes it.
type file struct {
	Func string
	Keys []fileKey
}

type fileKey struct {
	Name, Constructor, Type, Title, Description, SupersededBy string
	Keywords, Scopes, Auth, Console                           []string
	Fields                                                    []fileField
}

type fileField struct {
	Pointer, Kind, Description string
	Enum                       []string
}

func newFile(domain string, keys []described) file {
	f := file{Func: goName(domain)}
	for _, key := range keys {
		k := fileKey{
			Name: key.name, Constructor: "Native", Type: platformName(key.data),
			Title: key.Title, Description: key.Description, Keywords: key.Keywords, Scopes: key.Scopes, Auth: key.Auth,
			Console: key.Console, SupersededBy: key.SupersededBy,
		}
		if key.v1 {
			k.Constructor = "NativeV1"
		}
		for _, field := range key.fields {
			if kind, description, enum, ok := field.meta(); ok {
				k.Fields = append(k.Fields, fileField{"/event" + field.pointer, kind, description, enum})
			}
		}
		f.Keys = append(f.Keys, k)
	}
	return f
}

// goName makes a domain part of an identifier: security_and_compliance becomes securityAndCompliance.
func goName(domain string) string {
	var name []byte
	upper := false
	for _, c := range []byte(domain) {
		if c == '_' {
			upper = true
			continue
		}
		if upper {
			c -= 'a' - 'A'
		}
		upper = false
		name = append(name, c)
	}
	return string(name)
}
