package keysearch

import (
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
)

// stopWords say nothing about an event: they are in questions, whatever is asked for.
var stopWords = words("a an the of in on at to by for from with and or is are was were be been has have had it its this that these " +
	"when whenever if as into about me my i we our us you your he she they their them his her who whom what which where how any some " +
	"someone somebody anyone anybody people person something anything everything tell notify notification let know listen watch get want " +
	"please event events happens happened do does did there new-style 的 了 有 被 在 我 时 当 我的 有人")

// sameWords maps a stem to the one by which it is indexed: what people call a thing, and what the platform does.
var sameWords = pairs("doc document", "docs document", "mail email", "e-mail email", "msg messag", "im messag", "dm messag", "delet remov",
	"reaction emoji", "react emoji", "staff employe", "employee employe", "colleagu employe", "worker employe",
	"spreadsheet sheet", "bitabl tabl", "base tabl", "videoconfer meet", "video meet", "call meet", "confer meet",
	"appoint calendar", "schedul calendar", "todo task", "button card", "modifi updat", "chang updat", "creat ad",
	"begin start", "began start", "begun start", "finish end", "over end", "conclud end", "recal withdraw", "unsend withdraw", "retract withdraw",
	"quit leav", "left leav", "exit leav", "resign leav", "permiss access",
	"wrote write", "written write", "sent send", "took take", "taken take", "chose choos", "chosen choos", "held hold",
	"bought order", "purchas order", "paid order", "robot bot", "dissolv disband", "candid talent")

// tokens returns the words of text as they are compared: English stems, and each two characters that stand beside
// each other in Chinese, where words are not separated. Dots and underscores separate words, as in keys.
func tokens(text string) []string {
	var found []string
	for _, run := range runs(strings.ToLower(text)) {
		if unicode.Is(unicode.Han, run[0]) {
			found = append(found, pairsOf(run)...)
			continue
		}
		word := string(run)
		if stopWords[word] {
			continue
		}
		stem := english.Stem(word, true)
		if same, ok := sameWords[stem]; ok {
			stem = same
		}
		found = append(found, stem)
	}
	return found
}

// runs splits text where neither letters nor digits stand, and between Chinese and other letters. An @ is how people
// write mention.
func runs(text string) [][]rune {
	var found [][]rune
	var run []rune
	end := func() {
		if len(run) > 0 {
			found = append(found, run)
			run = nil
		}
	}
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			if r == '@' {
				found = append(found, []rune("mention"))
			}
			continue
		}
		if len(run) > 0 && unicode.Is(unicode.Han, r) != unicode.Is(unicode.Han, run[0]) {
			end()
		}
		run = append(run, r)
	}
	end()
	return found
}

// pairsOf returns each two neighbours, without those that only say that something happened; one character alone is
// itself.
func pairsOf(run []rune) []string {
	var kept []rune
	for _, r := range run {
		if !stopWords[string(r)] {
			kept = append(kept, r)
		}
	}
	if len(kept) == 1 {
		return []string{string(kept)}
	}
	var found []string
	for i := 0; i+1 < len(kept); i++ {
		if pair := string(kept[i : i+2]); !stopWords[pair] {
			found = append(found, pair)
		}
	}
	return found
}

func words(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

func pairs(list ...string) map[string]string {
	found := map[string]string{}
	for _, pair := range list {
		from, to, _ := strings.Cut(pair, " ")
		found[from] = to
	}
	return found
}
