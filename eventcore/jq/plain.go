package jq

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// An expression is plain if all it does is look at an event: what it has in hand is never larger than the event, and
// no single step of it takes long on an event of at most maxPlainData. Such a one is safe in any process on such an
// event, and most filters and events are.
//
// What makes values (+, *, arrays, objects, join, …) is not plain: .+. on a text doubles it, sixty times in a
// hundred bytes of jq. Nor is what takes more than linear time: gsub, or one array compared with another.

// maxPlain bounds the text of a plain expression, and maxPattern that of a regular expression in it, whose cost is the
// product of its length and the text's. One with a count, as x{1000}, is longer than it looks.
//
// maxPlainData bounds the event, in bytes. A number as long takes some 20 ms to read, in one step, and one of 1 MB, as
// its length squared, seconds; a regular expression some 100 ms.
const (
	maxPlain     = 1024
	maxPattern   = 64
	maxPlainData = 64 << 10
)

// plainFunctions are the functions that a plain expression may use, with plain arguments.
var plainFunctions = []string{
	"select", "not", "any", "all", "empty", "isempty", "first", "last", "length", "utf8bytelength", "keys", "type", "now",
	"arrays", "objects", "iterables", "booleans", "numbers", "strings", "nulls", "values", "scalars",
	"ascii_downcase", "ascii_upcase", "ltrim", "rtrim", "trim", "tostring", "tonumber", "fromjson",
}

// plainWithConstants are those whose arguments must be constants.
var plainWithConstants = []string{"has", "contains", "startswith", "endswith", "ltrimstr", "rtrimstr"}

var plainOperators = []gojq.Operator{
	gojq.OpPipe, gojq.OpComma, gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe, gojq.OpAnd, gojq.OpOr, gojq.OpAlt,
}

func isPlain(text string, query *gojq.Query) bool { return len(text) <= maxPlain && plainQuery(query) }

// plainQuery reports whether a query is plain; one that is left out is.
func plainQuery(q *gojq.Query) bool {
	switch {
	case q == nil:
		return true
	case q.Meta != nil || len(q.Imports) > 0 || len(q.FuncDefs) > 0 || len(q.Patterns) > 0:
		return false
	case q.Term != nil:
		return plainTerm(q.Term)
	}
	return slices.Contains(plainOperators, q.Op) && plainQuery(q.Left) && plainQuery(q.Right)
}

func plainTerm(t *gojq.Term) bool {
	for _, suffix := range t.SuffixList {
		if suffix.Index != nil && !plainIndex(suffix.Index) {
			return false
		}
	}
	switch t.Type {
	case gojq.TermTypeIdentity, gojq.TermTypeRecurse, gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return true
	case gojq.TermTypeString:
		return len(t.Str.Queries) == 0
	case gojq.TermTypeIndex:
		return plainIndex(t.Index)
	case gojq.TermTypeFunc:
		return plainFunc(t.Func)
	case gojq.TermTypeQuery:
		return plainQuery(t.Query)
	case gojq.TermTypeUnary:
		return isConstant(&gojq.Query{Term: t.Unary.Term})
	case gojq.TermTypeTry:
		return plainQuery(t.Try.Body) && plainQuery(t.Try.Catch)
	case gojq.TermTypeIf:
		return plainIf(t.If)
	}
	return false
}

func plainIf(i *gojq.If) bool {
	return plainQuery(i.Cond) && plainQuery(i.Then) && plainQuery(i.Else) &&
		!slices.ContainsFunc(i.Elif, func(e *gojq.IfElif) bool { return !plainQuery(e.Cond) || !plainQuery(e.Then) })
}

func plainIndex(i *gojq.Index) bool {
	return (i.Str == nil || len(i.Str.Queries) == 0) && isConstant(i.Start) && isConstant(i.End)
}

func plainFunc(f *gojq.Func) bool {
	allConstant := !slices.ContainsFunc(f.Args, func(q *gojq.Query) bool { return !isConstant(q) })
	switch {
	case f.Name == "test":
		return allConstant && len(f.Args) > 0 && plainPattern(f.Args[0])
	case slices.Contains(plainWithConstants, f.Name):
		return allConstant
	case slices.Contains(plainFunctions, f.Name):
		return !slices.ContainsFunc(f.Args, func(q *gojq.Query) bool { return !plainQuery(q) })
	}
	return false
}

func plainPattern(q *gojq.Query) bool {
	return q.Term.Str != nil && len(q.Term.Str.Str) <= maxPattern && !strings.Contains(q.Term.Str.Str, "{")
}

// isConstant reports whether a query is a number, a text or the like; one that is left out is.
func isConstant(q *gojq.Query) bool {
	switch {
	case q == nil:
		return true
	case q.Term == nil || len(q.Term.SuffixList) > 0 || len(q.FuncDefs) > 0:
		return false
	}
	switch q.Term.Type {
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return true
	case gojq.TermTypeString:
		return len(q.Term.Str.Queries) == 0
	case gojq.TermTypeUnary:
		return isConstant(&gojq.Query{Term: q.Term.Unary.Term})
	}
	return false
}
