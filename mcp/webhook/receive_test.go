package webhook_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receive is the receiver of docs/webhooks.md, to the letter.
func receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 256<<10))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	hook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil || hook.Verify(body, r.Header) != nil {
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	}
	var message struct{ Type, Challenge string }
	if err := json.Unmarshal(body, &message); err != nil {
		http.Error(w, "bad body", http.StatusBadRequest)
		return
	}
	if message.Type == "verification" {
		json.NewEncoder(w).Encode(map[string]string{"challenge": message.Challenge})
		return
	}
	// Yours: durable, and the same id only once. Control messages have an id in the header alone.
	if err := store(r.Header.Get("webhook-id"), body); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// store keeps what receive stores, by id.
var store func(id string, body []byte) error

// The receiver that the docs show tells messages apart, control messages too.
func TestTheReceiverOfTheDocs(t *testing.T) {
	source, err := os.ReadFile("receive_test.go")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(docs), "```go\n")
	shown, _, _ = strings.Cut(shown, "```")
	if _, shown, _ = strings.Cut(shown, "\n\n"); shown == "" || !strings.Contains(string(source), shown) {
		t.Errorf("docs/webhooks.md shows another receiver:\n%s", shown)
	}
	stored := map[string]string{}
	store = func(id string, body []byte) error { stored[id] = string(body); return nil }
	const good, bad = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
	t.Setenv("WEBHOOK_SECRET", good)
	deliver := func(id, body, secret string) (status int, answer string) {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		signature, err := signer.Sign(id, now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte(body)))
		request.Header.Set(standardwebhooks.HeaderWebhookID, id)
		request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
		request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
		recorder := httptest.NewRecorder()
		receive(recorder, request)
		return recorder.Code, recorder.Body.String()
	}
	if status, answer := deliver("msg_verification_1", `{"type":"verification","challenge":"c"}`, good); status != 200 || strings.TrimSpace(answer) != `{"challenge":"c"}` {
		t.Errorf("the challenge was answered %d %s", status, answer)
	}
	if status, _ := deliver("e0", `{"eventId":"e0"}`, bad); status != http.StatusUnauthorized {
		t.Errorf("another's signature: %d", status)
	}
	for id, body := range map[string]string{"e1": `{"eventId":"e1"}`, "msg_gap_1": `{"type":"gap"}`, "msg_gap_2": `{"type":"gap"}`} {
		if status, _ := deliver(id, body, good); status != 200 || stored[id] != body {
			t.Errorf("%s: %d, stored %v", id, status, stored)
		}
	}
	if len(stored) != 3 {
		t.Errorf("stored %v", stored)
	}
}
