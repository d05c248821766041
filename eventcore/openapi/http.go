package openapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// errTooLarge is the error of reading a response past maxResponse.
var errTooLarge = errors.New("the response is larger than 8 MiB")

// httpClient is a copy of base with redirects off: one would send the app secret elsewhere. Without a base it has
// a transport of its own, so that closing its idle connections closes nobody else's.
func httpClient(base *http.Client) *http.Client {
	client := http.Client{}
	if base != nil {
		client = *base
	} else if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		transport := standard.Clone()
		transport.MaxIdleConnsPerHost = 8
		transport.IdleConnTimeout = 30 * time.Second
		client.Transport = transport
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// limited is the SDK's HTTP client: it bounds what is read of a response, which the SDK does not.
type limited struct{ client *http.Client }

// Do implements larkcore.HttpClient.
func (l limited) Do(request *http.Request) (*http.Response, error) {
	response, err := l.client.Do(request)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		// The SDK would make a text of it, address and all, in which the cause is no longer to be told.
		return nil, wrapped.Err
	}
	if err != nil {
		return nil, err
	}
	response.Body = &limitedBody{ReadCloser: response.Body, left: maxResponse}
	return response, nil
}

// limitedBody fails, rather than ending early, after left bytes.
type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// serialization encodes for the SDK and lets it decode nothing: it would look into an answer for codes that only
// matter with its own token cache, and fail on one that is not JSON. readAnswer decodes.
type serialization struct{}

// Serialize implements larkcore.Serializable.
func (serialization) Serialize(v any) ([]byte, error) { return json.Marshal(v) }

// Deserialize implements larkcore.Serializable.
func (serialization) Deserialize([]byte, any) error { return nil }
