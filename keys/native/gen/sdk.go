package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

const dispatcher = "github.com/larksuite/oapi-sdk-go/v3/event/dispatcher"

// handlerMaps are the dispatcher's fields that map an event type, or a callback, to its handler.
var handlerMaps = []string{"eventType2EventHandler", "callbackType2CallbackHandler"}

// leftOut are event types that are not for agents: app_ticket brings a store app a secret, not news.
var leftOut = []string{"app_ticket"}

// event is one event type of the SDK.
type event struct {
	name string
	v1   bool         // it comes in the V1 envelope
	data *types.Named // the type of the event member
}

// domain is the part of the event type before the first dot; V1 event types have none.
func (e *event) domain() string {
	domain, _, dotted := strings.Cut(e.name, ".")
	if !dotted {
		return "v1"
	}
	return domain
}

// loadDispatcher reads the dispatcher and what it imports from their source. Functions have a body in the dispatcher
// only: those of the SDK's services are most of half a million lines.
func loadDispatcher() (*packages.Package, error) {
	loaded, err := packages.Load(&packages.Config{
		// Without NeedDeps, the Go command would compile what the dispatcher imports.
		Mode:      packages.NeedName | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps,
		ParseFile: parseDeclarations,
	}, dispatcher)
	if err != nil {
		return nil, err
	}
	for _, fault := range loaded[0].Errors {
		err = errors.Join(err, fault)
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", dispatcher, err)
	}
	return loaded[0], nil
}

// parseDeclarations parses a file, without functions' bodies unless it is the dispatcher's. Packages without bodies have
// errors, such as unused imports, that say nothing; a type that is missing is found where an event has it.
func parseDeclarations(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil || file.Name.Name == path.Base(dispatcher) {
		return file, err
	}
	for _, declaration := range file.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok {
			function.Body = nil
		}
	}
	return file, nil
}

// eventsOf returns the event types that the dispatcher's source takes handlers for, sorted by name.
func eventsOf(pkg *packages.Package) ([]*event, error) {
	var events []*event
	var failed error
	for _, file := range pkg.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			assignment, ok := n.(*ast.AssignStmt)
			if !ok || len(assignment.Lhs) != 1 {
				return true
			}
			name, ok := handlerKey(assignment.Lhs[0])
			if !ok || slices.Contains(leftOut, name) {
				return true
			}
			e, err := newEvent(name, pkg.TypesInfo, assignment.Rhs[0])
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
				return true
			}
			events = append(events, e)
			return true
		})
	}
	slices.SortFunc(events, func(a, b *event) int { return strings.Compare(a.name, b.name) })
	return events, failed
}

// handlerKey returns the event type of an expression dispatcher.HANDLERS["event type"].
func handlerKey(expr ast.Expr) (string, bool) {
	index, ok := expr.(*ast.IndexExpr)
	if !ok {
		return "", false
	}
	selector, ok := index.X.(*ast.SelectorExpr)
	if !ok || !slices.Contains(handlerMaps, selector.Sel.Name) {
		return "", false
	}
	literal, ok := index.Index.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	name, err := strconv.Unquote(literal.Value)
	return name, err == nil
}

// newEvent finds the type of the event member in a call of a handler's constructor, whose argument is a function of a
// context and the event.
func newEvent(name string, info *types.Info, constructor ast.Expr) (*event, error) {
	call, ok := constructor.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return nil, errors.New("its handler is not made by a call with one argument")
	}
	handler, ok := info.TypeOf(call.Args[0]).(*types.Signature)
	if !ok || handler.Params().Len() != 2 {
		return nil, errors.New("its handler is not a function of a context and an event")
	}
	whole, ok := deref(handler.Params().At(1).Type()).Underlying().(*types.Struct)
	if !ok {
		return nil, errors.New("its event is no struct")
	}
	for i := range whole.NumFields() {
		if whole.Field(i).Name() != "Event" {
			continue
		}
		data, ok := deref(whole.Field(i).Type()).(*types.Named)
		if !ok {
			return nil, errors.New("its event member has no named type")
		}
		return &event{name: name, v1: strings.HasPrefix(data.Obj().Name(), "P1"), data: data}, nil
	}
	return nil, errors.New("its event has no event member")
}

func deref(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return types.Unalias(p.Elem())
	}
	return types.Unalias(t)
}
