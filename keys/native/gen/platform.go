package main

import (
	"cmp"
	"fmt"
	"go/types"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// structs are the types of package platform: for each struct that the SDK's events are made of, one of the same shape.
// The program links them instead of the SDK's, whose packages take minutes to compile.
type structs struct {
	known map[string]*types.Named // the SDK's type, by our name
	files map[string][]structType // by file name, without _gen.go
}

type structType struct {
	Name   string
	Fields []structField
}

// structField has no name if it is embedded, and no tag if the SDK's has none.
type structField struct {
	Name, Type, JSON string
}

// generatePlatform returns the files of package platform, by name: NAME_gen.go for each package of the SDK that an
// event takes types from.
func generatePlatform(events []*event) (map[string][]byte, error) {
	s := &structs{known: map[string]*types.Named{}, files: map[string][]structType{}}
	for _, e := range events {
		if _, err := s.typeOf(e.data); err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	files := map[string][]byte{}
	for name, list := range s.files {
		slices.SortFunc(list, func(a, b structType) int { return cmp.Compare(a.Name, b.Name) })
		source, err := render("platform.go.tmpl", list)
		if err != nil {
			return nil, err
		}
		files[filepath.Join("internal", "platform", name+"_gen.go")] = source
	}
	return files, nil
}

// typeOf returns our type for the SDK's, as Go source, and makes the structs that it needs.
func (s *structs) typeOf(t types.Type) (string, error) {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if t.Kind() != types.Invalid {
			return t.Name(), nil
		}
	case *types.Pointer:
		elem, err := s.typeOf(t.Elem())
		return "*" + elem, err
	case *types.Slice:
		elem, err := s.typeOf(t.Elem())
		return "[]" + elem, err
	case *types.Map:
		key, err := s.typeOf(t.Key())
		if err != nil {
			return "", err
		}
		elem, err := s.typeOf(t.Elem())
		return "map[" + key + "]" + elem, err
	case *types.Interface:
		return "any", nil
	case *types.Named:
		if members, ok := t.Underlying().(*types.Struct); ok {
			return platformName(t), s.add(t, members)
		}
		return s.typeOf(t.Underlying())
	}
	return "", fmt.Errorf("a member has the type %s, which package platform cannot have", t)
}

// add makes a struct, once.
func (s *structs) add(t *types.Named, members *types.Struct) error {
	name := platformName(t)
	if known := s.known[name]; known != nil {
		if known != t {
			return fmt.Errorf("%s and %s would both be platform.%s", known, t, name)
		}
		return nil
	}
	s.known[name] = t
	made := structType{Name: name}
	for i := range members.NumFields() {
		f := members.Field(i)
		json := reflect.StructTag(members.Tag(i)).Get("json")
		if json == "-" || !f.Exported() {
			continue
		}
		typ, err := s.typeOf(f.Type())
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, f.Name(), err)
		}
		field := structField{Name: f.Name(), Type: typ, JSON: json}
		if f.Embedded() && json == "" {
			field.Name = ""
		}
		made.Fields = append(made.Fields, field)
	}
	file := strings.Join(packageWords(t), "_")
	s.files[file] = append(s.files[file], made)
	return nil
}

// platformName is the name of our type for the SDK's: ImV1MessageReadV1Data for P2MessageReadV1Data in service/im/v1.
// P1, which marks the types of the platform's first event format, stays.
func platformName(t *types.Named) string {
	var name strings.Builder
	for _, word := range packageWords(t) {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String() + strings.TrimPrefix(t.Obj().Name(), "P2")
}

// packageWords are the words that tell the type's package from the other ones of the SDK: its name, and its version if
// it has one.
func packageWords(t *types.Named) []string {
	dir, last := path.Split(t.Obj().Pkg().Path())
	if strings.HasPrefix(last, "v") {
		last = path.Base(dir) + "_" + last
	}
	return strings.Split(last, "_")
}
