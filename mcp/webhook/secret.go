package webhook

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix = "whsec_"
	// A key has this many bytes, by Standard Webhooks.
	minKey, maxKey = 24, 64
	// graceTime is how long a secret signs on after it was replaced, maxRetired how many may.
	graceTime  = 10 * time.Minute
	maxRetired = 2
)

// checkSecret returns the error to answer to a secret that is none. It does not repeat the secret.
func checkSecret(secret string) error {
	const field = "delivery.secret"
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return invalid(field, "must begin with %s", secretPrefix)
	}
	// The decoder skips line breaks, which other decoders do not.
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return invalid(field, "must be base64 (standard alphabet, padded) after %s", secretPrefix)
	}
	if len(key) < minKey || len(key) > maxKey {
		return invalid(field, "holds %d bytes; it must be %d to %d random bytes", len(key), minKey, maxKey)
	}
	return nil
}

// keyring is what a subscription's deliveries are signed with: the current secret, and those it replaced a short
// while ago, so that a receiver can change over at its own time.
type keyring struct {
	Current string          `json:"current"`
	Retired []retiredSecret `json:"retired,omitempty"`
}

type retiredSecret struct {
	Secret string    `json:"secret"`
	Until  time.Time `json:"until"`
}

// replace returns a keyring with another current secret.
func (k keyring) replace(secret string, now time.Time) keyring {
	if secret == k.Current {
		return k
	}
	retired := []retiredSecret{{Secret: k.Current, Until: now.Add(graceTime)}}
	for _, old := range k.Retired {
		if old.Secret != secret && len(retired) < maxRetired {
			retired = append(retired, old)
		}
	}
	return keyring{Current: secret, Retired: retired}
}

// secrets returns those that sign at a time, the current one first.
func (k keyring) secrets(now time.Time) []string {
	secrets := []string{k.Current}
	for _, old := range k.Retired {
		if now.Before(old.Until) {
			secrets = append(secrets, old.Secret)
		}
	}
	return slices.Compact(secrets)
}

// sign returns the value of the signature header: one signature for each secret.
func (k keyring) sign(id string, at time.Time, body []byte) (string, error) {
	var signatures []string
	for _, secret := range k.secrets(at) {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return "", fmt.Errorf("read a webhook secret: %w", err)
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return "", fmt.Errorf("sign a webhook: %w", err)
		}
		signatures = append(signatures, signature)
	}
	return strings.Join(signatures, " "), nil
}
