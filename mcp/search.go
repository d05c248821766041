package mcp

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// What a word of the query is worth, by where it is found. A whole word counts twice its beginning.
const (
	scoreKey         = 5
	scoreTitle       = 4
	scoreDescription = 1
	scoreExact       = 1000 // the query is the key itself, or begins it
)

// searchKeys returns the definitions that match the query, best first: those that have more of its words come
// first, and among these, those that have them in the key or the title rather than in the description. A query
// without a word in it matches all.
func searchKeys(defs []*eventcore.KeyDefinition, query string) []*eventcore.KeyDefinition {
	words := splitWords(query)
	if len(words) == 0 {
		return defs
	}
	type match struct {
		def          *eventcore.KeyDefinition
		words, score int
	}
	var matches []match
	for _, def := range defs {
		m := match{def: def}
		fields := []struct {
			words []string
			score int
		}{
			{splitWords(def.Key), scoreKey},
			{splitWords(def.DisplayName), scoreTitle},
			{splitWords(def.Description), scoreDescription},
		}
		for _, word := range words {
			before := m.score
			for _, field := range fields {
				m.score += field.score * wordMatch(word, field.words)
			}
			if m.score > before {
				m.words++
			}
		}
		if strings.HasPrefix(def.Key, strings.ToLower(strings.TrimSpace(query))) {
			m.score += scoreExact
		}
		if m.score > 0 {
			matches = append(matches, m)
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.words, a.words), cmp.Compare(b.score, a.score))
	})
	found := make([]*eventcore.KeyDefinition, len(matches))
	for i, m := range matches {
		found[i] = m.def
	}
	return found
}

// wordMatch is 2 if words has the word, 1 if a word of it and the word begin alike (message, messages), else 0.
func wordMatch(word string, words []string) int {
	best := 0
	for _, candidate := range words {
		switch {
		case candidate == word:
			return 2
		case len(word) >= 3 && strings.HasPrefix(candidate, word),
			len(candidate) >= 4 && strings.HasPrefix(word, candidate):
			best = 1
		}
	}
	return best
}

// splitWords returns the words of text in lower case. Dots and underscores separate words, as in keys.
func splitWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
