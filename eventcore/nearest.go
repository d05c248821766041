package eventcore

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// nearestKeys returns up to limit registered keys that look like key, nearest first: those that have it as a keyword,
// such as a name they once had, those that share its words, then those a few edits away. Nothing is returned that is
// not near.
func nearestKeys(key string, limit int) []string {
	type candidate struct {
		key   string
		score int
	}
	wanted := strings.ToLower(clip(key, 100))
	var found []candidate
	for _, def := range ListAll() {
		score := editDistance(wanted, def.Key) - 3*sharedWords(wanted, def.Key)
		if slices.ContainsFunc(def.Keywords, func(k string) bool { return strings.EqualFold(k, wanted) }) {
			score = math.MinInt
		}
		if score <= len(def.Key)/3 {
			found = append(found, candidate{def.Key, score})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.score, b.score) })
	keys := make([]string, 0, limit)
	for _, c := range found[:min(limit, len(found))] {
		keys = append(keys, c.key)
	}
	return keys
}

// sharedWords counts the words of a, split at dots and underscores, that b has too.
func sharedWords(a, b string) int {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '_' || r == ' ' || r == '-' })
	}
	words := split(b)
	n := 0
	for _, w := range split(a) {
		if slices.Contains(words, w) {
			n++
		}
	}
	return n
}

// editDistance is the Levenshtein distance of a and b in runes.
func editDistance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			substitute := diagonal
			if r != s {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, substitute)
		}
	}
	return row[len(to)]
}
