package keysearch

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// What a word is worth by where it is found.
const (
	weightKey         = 2.0
	weightTitle       = 5.0
	weightKeywords    = 3.0
	weightDescription = 0.4
	// weightFirst is for a word of the description's first sentence, which says what happened.
	weightFirst = 1.5
	// saturation is how soon a word that is found again and again adds nothing more, as in BM25.
	saturation = 2.0
	// formerShare is what is left of the score of a key that a newer one supersedes.
	formerShare = 0.6
	// wantedBonus is what the most wanted key gains over one that nobody asks for, as a share of its score.
	wantedBonus = 0.3
	// minPrefix is the shortest beginning of a word by which the word is found.
	minPrefix = 3
)

// Index finds keys. It may be used from many goroutines at once.
type Index struct {
	entries []entry
	// holders are the entries that have a word, and how much of it.
	holders map[string][]holder
}

type entry struct {
	def *eventcore.KeyDefinition
	// share is by what the score counts more or less than others', whatever the query.
	share float64
}

type holder struct {
	entry  int
	weight float64
}

// New indexes the definitions. wanted are the keys that most people want, the most wanted first: between two that
// match alike, the more wanted comes first.
func New(defs []*eventcore.KeyDefinition, wanted []string) *Index {
	x := &Index{holders: map[string][]holder{}}
	for i, def := range defs {
		e := entry{def: def, share: 1}
		if rank := slices.Index(wanted, def.Key); rank >= 0 {
			e.share += wantedBonus * (1 - float64(rank)/float64(len(wanted)))
		}
		if def.SupersededBy != "" {
			e.share = formerShare
		}
		x.entries = append(x.entries, e)
		for word, weight := range weigh(def) {
			x.holders[word] = append(x.holders[word], holder{i, weight})
		}
	}
	return x
}

// weigh returns the words of a definition with their weights.
func weigh(def *eventcore.KeyDefinition) map[string]float64 {
	weights := map[string]float64{}
	add := func(text string, weight float64) {
		for _, word := range tokens(text) {
			weights[word] += weight
		}
	}
	first, rest, _ := strings.Cut(def.Description, ". ")
	add(def.Key, weightKey)
	add(def.DisplayName, weightTitle)
	add(strings.Join(def.Keywords, " . "), weightKeywords)
	add(first, weightFirst)
	add(rest, weightDescription)
	return weights
}

// Find returns the definitions that match the query, best first. The words that few keys have count most. A query
// that is a key, or the beginning of one, finds that first; one without a word in it finds all, in their order.
func (x *Index) Find(query string) []*eventcore.KeyDefinition {
	asked := unique(tokens(query))
	name := strings.ToLower(strings.TrimSpace(query))
	scores, matched := make([]float64, len(x.entries)), make([]int, len(x.entries))
	for _, word := range asked {
		for i, worth := range x.matching(word) {
			scores[i] += worth
			matched[i]++
		}
	}
	type match struct {
		entry
		score float64
	}
	var matches []match
	for i, e := range x.entries {
		score := scores[i] * e.share * math.Sqrt(float64(matched[i])/float64(max(len(asked), 1)))
		if isNamed(e.def, name) {
			score += math.MaxInt32
		}
		if score > 0 || len(asked) == 0 {
			matches = append(matches, match{e, score})
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int { return cmp.Compare(b.score, a.score) })
	found := make([]*eventcore.KeyDefinition, len(matches))
	for i, m := range matches {
		found[i] = m.def
	}
	return found
}

// isNamed reports whether a query in lower case is the key's name, or the beginning of it. Names of superseded keys are
// plain words too, such as message: those must be complete, and more than a word.
func isNamed(def *eventcore.KeyDefinition, query string) bool {
	key := strings.ToLower(def.Key)
	if def.SupersededBy != "" {
		return query == key && strings.ContainsAny(key, "._")
	}
	return query != "" && strings.HasPrefix(key, query)
}

// matching returns what the word is worth to the entries that have it; if none has, to those that have a word that
// begins with it.
func (x *Index) matching(word string) map[int]float64 {
	holders, share := x.holders[word], 1.0
	if len(holders) == 0 && len(word) >= minPrefix {
		share = 0.5
		for candidate, others := range x.holders {
			if strings.HasPrefix(candidate, word) {
				holders = append(holders, others...)
			}
		}
	}
	rarity := math.Log(1 + float64(len(x.entries))/float64(max(len(holders), 1)))
	worth := make(map[int]float64, len(holders))
	for _, h := range holders {
		worth[h.entry] = max(worth[h.entry], share*rarity*h.weight/(h.weight+saturation))
	}
	return worth
}

func unique(list []string) []string {
	list = slices.Sorted(slices.Values(list))
	return slices.Compact(list)
}
