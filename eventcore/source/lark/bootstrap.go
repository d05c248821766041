package lark

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

const (
	bootstrapTimeout = 10 * time.Second
	bootstrapLimit   = 1 << 20 // bytes of the answer
)

// endpoint is where to open the WebSocket, once: the address carries a ticket.
type endpoint struct {
	url      *url.URL
	id       string // names the connection on the platform, for logs
	service  int32  // goes into every ping
	settings settings
}

// bootstrap asks the platform for an endpoint. A final refusal is an [*eventcore.Error]; after any other error a
// later attempt may succeed.
func (s *Source) bootstrap(ctx context.Context) (endpoint, error) {
	asking, cancel := context.WithTimeout(ctx, bootstrapTimeout)
	defer cancel()
	body, err := json.Marshal(frame.EndpointRequest{AppID: s.options.AppID, AppSecret: s.options.AppSecret})
	if err != nil {
		return endpoint{}, fmt.Errorf("encode the request for an endpoint: %w", err)
	}
	address := strings.TrimRight(s.options.BaseURL, "/") + frame.EndpointPath
	request, err := http.NewRequestWithContext(asking, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return endpoint{}, badBaseURL(s.options.BaseURL, err)
	}
	request.Close = true // the next one is hours away, or goes to a platform that has moved
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Locale", "zh")
	response, err := s.bootstrapClient().Do(request)
	if err != nil {
		return endpoint{}, fmt.Errorf("ask %s for an endpoint: %w", request.URL.Host, withoutURL(err))
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, bootstrapLimit))
	if err != nil {
		return endpoint{}, fmt.Errorf("read the endpoint from %s: %w", request.URL.Host, err)
	}
	return s.readEndpoint(response.StatusCode, answer)
}

// readEndpoint tells a good answer from a passing and a final refusal.
func (s *Source) readEndpoint(status int, body []byte) (endpoint, error) {
	var answer frame.EndpointAnswer
	decodeErr := json.Unmarshal(body, &answer)
	said := s.quote(answer.Msg)
	switch {
	case status >= 500 || status == http.StatusTooManyRequests:
		return endpoint{}, fmt.Errorf("the platform answered HTTP %d to the request for an endpoint%s", status, said)
	case frame.IsBusy(answer.Code):
		return endpoint{}, fmt.Errorf("the platform is busy (code %d)%s", answer.Code, said)
	case answer.Code != frame.CodeOK:
		return endpoint{}, refused(answer.Code, said)
	case status == http.StatusNotFound:
		return endpoint{}, notPlatform(s.options.BaseURL)
	case status != http.StatusOK:
		return endpoint{}, fmt.Errorf("something between here and the platform answered HTTP %d", status)
	case decodeErr != nil:
		return endpoint{}, errors.New("something between here and the platform gave an answer that is not the platform's")
	case answer.Data == nil || answer.Data.URL == "":
		return endpoint{}, errors.New("the platform named no endpoint")
	}
	return s.parseEndpoint(answer.Data)
}

func (s *Source) parseEndpoint(data *frame.Endpoint) (endpoint, error) {
	address, err := url.Parse(data.URL)
	// The address carries a ticket, so no error quotes it.
	if err != nil || address.Host == "" || (address.Scheme != "ws" && address.Scheme != "wss") {
		return endpoint{}, errors.New("the platform named an endpoint that is no WebSocket address")
	}
	if address.Scheme == "ws" && strings.HasPrefix(s.options.BaseURL, "https:") {
		return endpoint{}, errors.New("the platform named an endpoint without encryption")
	}
	service, err := strconv.ParseInt(address.Query().Get(frame.QueryServiceID), 10, 32)
	if err != nil {
		service = 0
	}
	return endpoint{
		url: address, id: address.Query().Get(frame.QueryDeviceID), service: int32(service),
		settings: defaultSettings().with(data.ClientConfig),
	}, nil
}

// bootstrapClient is the configured client with redirects off: a 307 would send the app secret elsewhere.
func (s *Source) bootstrapClient() *http.Client {
	client := http.Client{}
	if s.options.HTTPClient != nil {
		client = *s.options.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// quote returns what the platform said, ready to follow a statement; "" if it said nothing.
func (s *Source) quote(said string) string {
	said = strings.ReplaceAll(said, s.options.AppSecret, "[secret]")
	if runes := []rune(said); len(runes) > 300 {
		said = string(runes[:300]) + "…"
	}
	if said == "" {
		return ""
	}
	return fmt.Sprintf(": %q", said)
}

// withoutURL strips the address that net/http puts before the cause: it is said already, and may hold a proxy's
// password.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
