//go:build unix

package main_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// platformSecrets are in what the simulated platform gives out: its tokens, and the addresses for connections.
var platformSecrets = []string{"t-sim", "ticket=", "access_key="}

// forms returns a secret as it may appear in a text, each with the name of the form.
func forms(secret string) map[string]string {
	quoted := strconv.Quote(secret)
	inJSON, _ := json.Marshal(secret) // a string can be marshalled
	all := map[string]string{
		"as it is": secret, "quoted": quoted[1 : len(quoted)-1], "in JSON": string(inJSON[1 : len(inJSON)-1]),
		"in a query": url.QueryEscape(secret), "in a path": (&url.URL{Path: secret}).EscapedPath(),
		"as a path's element": url.PathEscape(secret),
		"in hex":              hex.EncodeToString([]byte(secret)), "in HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	if len(secret) < 12 {
		return all // its base64 is too short to be told from chance
	}
	for shift := range 3 { // where it begins within a group of three bytes
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			// What its neighbours have a part in is left out.
			all[fmt.Sprint("in ", name, ", shifted by ", shift)] = text[(shift*8+5)/6 : (shift+len(secret))*8/6]
		}
	}
	return all
}

// leaks returns where a secret is in a text, with the text before it.
func leaks(text, secret string) (found []string) {
	for name, form := range forms(secret) {
		if i := strings.Index(text, form); i >= 0 {
			found = append(found, fmt.Sprintf("%s, after …%s", name, text[max(0, i-80):i]))
		}
	}
	return found
}

func TestASecretIsFoundInEveryForm(t *testing.T) {
	const secret = `pl4nted+"app"/secret&é=`
	basic := http.Header{}
	request := http.Request{Header: basic}
	request.SetBasicAuth("cli_a", secret)
	inJSON, _ := json.Marshal(map[string]string{"msg": secret})
	for name, text := range map[string]string{
		"log line": fmt.Sprintf("level=DEBUG url=%q", secret), "JSON": string(inJSON), "query": url.Values{"s": {secret}}.Encode(),
		"path": (&url.URL{Path: "/" + secret}).String(), "hex dump": fmt.Sprintf("%x", "a"+secret+"b"), "HEX": fmt.Sprintf("%X", secret),
		"basic authorization": basic.Get("Authorization"), "base64url": base64.URLEncoding.EncodeToString([]byte("12" + secret + "3")),
	} {
		if len(leaks("before "+text+" after", secret)) == 0 {
			t.Errorf("%s: nothing is found in %s", name, text)
		}
		if found := leaks(strings.ReplaceAll(text, "4", "5"), secret+"x"); len(found) != 0 {
			t.Errorf("%s: found what is not there: %v", name, found)
		}
	}
}

// evidence is everything that was said or stored, by where. Its methods may be called from many goroutines at once.
type evidence struct {
	mu    sync.Mutex
	texts map[string]*strings.Builder
}

func newEvidence() *evidence { return &evidence{texts: map[string]*strings.Builder{}} }

func (e *evidence) add(where string, texts ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.texts[where] == nil {
		e.texts[where] = &strings.Builder{}
	}
	for _, text := range texts {
		e.texts[where].WriteString(text + "\n")
	}
}

// check fails the test if a secret is where it should not be, or is not where it must be: then the search is no good. A
// place is allowed by a part of its name.
func (e *evidence) check(t *testing.T, secrets map[string]string, allowed map[string]string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	places := 0
	for _, where := range slices.Sorted(maps.Keys(e.texts)) {
		text := e.texts[where].String()
		places++
		for name, secret := range secrets {
			if home, known := allowed[name]; known && strings.Contains(where, home) {
				if !strings.Contains(text, secret) {
					t.Errorf("%s is not in %s, where it belongs", name, where)
				}
				continue
			}
			for _, leak := range leaks(text, secret) {
				t.Errorf("%s is in %s: %s", name, where, leak)
			}
		}
	}
	t.Logf("looked for %d secrets in %d places", len(secrets), places)
}

// mustHold fails the test if a place has not been looked at, or does not hold what shows that it was filled.
func (e *evidence) mustHold(t *testing.T, marks map[string]string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for where, mark := range marks {
		found := false
		for name, text := range e.texts {
			found = found || strings.Contains(name, where) && strings.Contains(text.String(), mark)
		}
		if !found {
			t.Errorf("%q is not in any %s: the search would find nothing", mark, where)
		}
	}
}
