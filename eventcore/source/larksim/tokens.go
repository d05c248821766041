package larksim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ExpireTokens makes every tenant access token issued so far invalid.
func (p *Platform) ExpireTokens() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.api.tenantTokens)
}

// TokensIssued is how many tenant access tokens are valid now.
func (p *Platform) TokensIssued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.api.tenantTokens)
}

// Issued returns the secrets that the platform has given out so far: tenant access tokens, and what the addresses for
// connections hold.
func (p *Platform) Issued() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.issued)
}

// serveToken issues a tenant access token. Refusals come with HTTP 200, as on the platform.
func (p *Platform) serveToken(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		AppID     string `json:"app_id"`
		AppSecret string `json:"app_secret"`
	}
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked) != nil {
		writeJSON(w, http.StatusOK, object{"code": codeInvalidParam, "msg": "invalid param"})
		return
	}
	if code, msg := p.checkApp(asked.AppID, asked.AppSecret); code != 0 {
		writeJSON(w, http.StatusOK, object{"code": code, "msg": msg})
		return
	}
	token := "t-sim" + newID()
	p.mu.Lock()
	p.api.tenantTokens[token] = time.Now().Add(p.options.TokenLife)
	p.issued = append(p.issued, token)
	p.mu.Unlock()
	writeJSON(w, http.StatusOK, object{
		"code": 0, "msg": "ok", "tenant_access_token": token, "expire": int(p.options.TokenLife / time.Second),
	})
}

// identify returns who a call's token stands for, or the code and text that refuse it.
func (p *Platform) identify(r *http.Request) (identity string, code int, msg string) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return "", codeTokenMissing, "Missing access token for authorization. Please make a request with token attached."
	}
	const invalid = "Invalid access token for authorization. Please make a request with token attached."
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.HasPrefix(token, "u-") {
		if slices.Contains(p.api.userTokens, token) {
			return AsUser, 0, ""
		}
		return "", codeUserToken, invalid
	}
	if expiry, known := p.api.tenantTokens[token]; known && time.Now().Before(expiry) {
		return AsBot, 0, ""
	}
	return "", codeTenantToken, invalid
}
