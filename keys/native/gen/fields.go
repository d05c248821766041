package main

import (
	"go/types"
	"reflect"
	"slices"
	"strings"
)

// field is one member of an event, however deep; * stands for the items of an array and the values of a map.
type field struct {
	pointer string // into the event member, such as /object/open_id or /items/*/name
	name    string // its last name
	typ     string // of a leaf: string, number, boolean; of others: object, array
	kind    string // what the value is, by its name; empty if that says nothing
}

// fieldsOf returns the members of a type, in order. A type within itself is not entered again.
func fieldsOf(data *types.Named) []field {
	w := &walker{}
	w.structure(data, "")
	return w.fields
}

type walker struct {
	fields []field
	path   []*types.Named
}

func (w *walker) structure(t types.Type, pointer string) {
	named, _ := t.(*types.Named)
	if named != nil {
		if slices.Contains(w.path, named) {
			return
		}
		w.path = append(w.path, named)
		defer func() { w.path = w.path[:len(w.path)-1] }()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i := range s.NumFields() {
		f := s.Field(i)
		name, _, _ := strings.Cut(reflect.StructTag(s.Tag(i)).Get("json"), ",")
		switch {
		case name == "-" || !f.Exported():
		case f.Embedded() && name == "":
			w.structure(deref(f.Type()), pointer)
		case name == "":
			w.value(f.Type(), pointer+"/"+f.Name(), f.Name())
		default:
			w.value(f.Type(), pointer+"/"+name, name)
		}
	}
}

// value adds the member and what is in it.
func (w *walker) value(t types.Type, pointer, name string) {
	t = deref(t)
	add := func(typ string) {
		w.fields = append(w.fields, field{pointer: pointer, name: name, typ: typ, kind: kindOf(name, typ)})
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsString != 0:
			add("string")
		case u.Info()&types.IsBoolean != 0:
			add("boolean")
		default:
			add("number")
		}
	case *types.Struct:
		add("object")
		w.structure(t, pointer)
	case *types.Slice:
		add("array")
		w.value(u.Elem(), pointer+"/*", strings.TrimSuffix(name, "s"))
	case *types.Map:
		add("object")
		w.value(u.Elem(), pointer+"/*", "")
	default: // an interface: anything
		add("any")
	}
}

// wholeNames are names that say what the value is as they are.
var wholeNames = map[string]string{
	"email": "email", "url": "url", "link": "url", "token": "token", "file_token": "file_token", "tenant_key": "tenant_key",
	"openid": "open_id", "open_ids": "open_id", "create_timestamp": "timestamp", "update_timestamp": "timestamp",
	"mobile": "phone_number", "phone": "phone_number", "telephone": "phone_number", "instance_code": "instance_code", "approval_code": "approval_code",
}

// kindOf is what the value of a text or number is, by its name. The platform names ids and times consistently: a
// chat_id is a chat_id everywhere. The unit of a time is not in its name; the tables say it where it matters.
func kindOf(name, typ string) string {
	if typ != "string" && typ != "number" {
		return ""
	}
	if kind, ok := wholeNames[name]; ok {
		return kind
	}
	switch {
	case name == "id":
		return "id"
	case strings.HasSuffix(name, "_id"):
		return name
	case strings.HasSuffix(name, "_ids"):
		return strings.TrimSuffix(name, "s")
	case strings.HasSuffix(name, "_time") || strings.HasSuffix(name, "_timestamp"):
		return "timestamp"
	case strings.HasSuffix(name, "_date"):
		return "calendar_date"
	case strings.HasSuffix(name, "_url") || strings.HasSuffix(name, "_link"):
		return "url"
	case strings.HasSuffix(name, "_token"):
		return name
	case strings.HasSuffix(name, "_email"):
		return "email"
	case strings.HasSuffix(name, "_phone"):
		return "phone_number"
	}
	return ""
}
