package openapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
)

const (
	maxAttempts  = 4
	firstBackoff = 200 * time.Millisecond
	// codeRateLimited is the gateway's code for too many calls; it comes with HTTP 429 or 400.
	codeRateLimited = 99991400
)

// send makes one call, and again while that is safe, promising and in time. An error means that there is no answer;
// a refusal is an answer.
func (a *API) send(ctx context.Context, request call) (answer, error) {
	for attempt := 1; ; attempt++ {
		got, err := a.once(ctx, request)
		wait, again := a.shouldRetry(request, got, err, attempt)
		if !again || ctx.Err() != nil {
			return got, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return got, err // the answer at hand says more than a timeout would
		}
		a.log.Debug("call is tried again", "method", request.method, "path", pathOnly(request.path),
			"attempt", attempt+1, "wait", wait, "status", got.status, "code", got.code)
		if err := sleep(ctx, wait); err != nil {
			return got, err
		}
	}
}

// once makes one request.
func (a *API) once(ctx context.Context, request call) (answer, error) {
	option := request.token
	if option == nil {
		option = func(*larkcore.RequestOption) {}
	}
	api := &larkcore.ApiReq{HttpMethod: request.method, ApiPath: request.path, Body: request.body}
	if request.kind != "" {
		api.SupportedAccessTokenTypes = []larkcore.AccessTokenType{request.kind}
	}
	response, err := larkcore.Request(ctx, api, a.config, option)
	var gatewayTimeout *larkcore.ServerTimeoutError
	switch {
	case errors.As(err, &gatewayTimeout):
		// The SDK makes an error of this one status.
		return answer{status: http.StatusGatewayTimeout, foreign: true}, nil
	case err != nil:
		return answer{}, err
	}
	return readAnswer(response), nil
}

// shouldRetry says whether a further attempt makes sense, and after which wait.
func (a *API) shouldRetry(request call, got answer, err error, attempt int) (wait time.Duration, again bool) {
	if attempt >= maxAttempts {
		return 0, false
	}
	// Full jitter: see source/lark.
	wait = time.Duration(a.random(int64(firstBackoff << attempt)))
	var network *net.OpError
	switch {
	case errors.As(err, &network) && network.Op == "dial":
		return wait, true // never sent
	case errors.Is(err, errTooLarge):
		return 0, false
	case err != nil:
		return wait, request.repeatable
	case got.status == http.StatusTooManyRequests || got.code == codeRateLimited:
		return max(wait, resetIn(got.header)), true
	case got.status >= 500:
		return wait, request.repeatable
	}
	return 0, false
}

// resetIn is how long a rate limit lasts, as the answer says; 0 if it does not.
//
// Source: the platform's page on rate limits names x-ogw-ratelimit-reset, in seconds.
func resetIn(header http.Header) time.Duration {
	for _, name := range []string{"X-Ogw-Ratelimit-Reset", "Retry-After"} {
		if seconds, err := strconv.Atoi(header.Get(name)); err == nil && seconds > 0 {
			return time.Duration(min(seconds, 3600)) * time.Second
		}
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
