package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// The variables that configure the app; see the help of the root command.
const (
	envAppID      = "LARK_APP_ID"
	envSecret     = "LARK_APP_SECRET"
	envSecretFile = "LARK_APP_SECRET_FILE"
	envDomain     = "LARK_DOMAIN"
	envUserToken  = "LARK_USER_ACCESS_TOKEN"
)

// maxSecretFile bounds a secret file, in bytes: a larger one is some other file.
const maxSecretFile = 4096

// config is what the environment says of the app.
type config struct {
	appID      string
	secret     string
	secretFile string // that the secret is from, if it is from one
	baseURL    string
	userToken  string
	home       statedir.Home
}

// stateHome returns the state directory.
func stateHome() (statedir.Home, error) {
	home, err := statedir.Default()
	if err != nil {
		return "", configError{err}
	}
	return home, nil
}

// loadConfig reads the environment. What is missing is not an error here: a server without credentials can still
// describe keys. See requireApp and requireSecret.
func loadConfig() (*config, error) {
	home, err := stateHome()
	if err != nil {
		return nil, err
	}
	baseURL, err := parseDomain(os.Getenv(envDomain))
	if err != nil {
		return nil, err
	}
	cfg := &config{
		appID: appID(), secret: strings.TrimSpace(os.Getenv(envSecret)),
		baseURL: baseURL, userToken: strings.TrimSpace(os.Getenv(envUserToken)), home: home,
	}
	if path := os.Getenv(envSecretFile); cfg.secret == "" && path != "" {
		if cfg.secret, err = readSecret(path); err != nil {
			return nil, err
		}
		cfg.secretFile = path
	}
	return cfg, nil
}

// warn tells of a configuration that gives the secret away.
func (c *config) warn(log *slog.Logger) {
	if c.secretFile != "" {
		warnIfOpen(log, envSecretFile, c.secretFile)
	}
}

// warnIfOpen warns if a secret's file may be read by everyone, or written by others. It is no error: in containers, where
// there are no others, secrets are often mounted with such modes.
func warnIfOpen(log *slog.Logger, what, path string) {
	info, err := os.Stat(path)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o026 != 0 {
		log.Warn("a secret's file may be read by everyone, or written by others: chmod 600 it",
			"of", what, "file", path, "mode", info.Mode().Perm().String())
	}
}

// readSecret returns what a secret file holds, without the blanks around it.
func readSecret(path string) (string, error) {
	text, err := readSmall(path, maxSecretFile)
	// Editors and shells on Windows begin a file with a byte order mark.
	secret := strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if err == nil && secret == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", &eventcore.Error{
			Code: eventcore.CodeCredentialsMissing, Message: fmt.Sprintf("%s: the secret cannot be read: %v", envSecretFile, err),
			Hint: "name a file that holds the app secret and nothing else", Cause: err,
		}
	}
	return secret, nil
}

// readSmall returns the text of a regular file of at most limit bytes. Anything else might not end, or never begin: a
// pipe waits for a writer.
func readSmall(path string, limit int64) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it has more than %d bytes, a secret has fewer", limit)
	}
	return string(text), err
}

func appID() string { return strings.TrimSpace(os.Getenv(envAppID)) }

// parseDomain returns the base URL of the open platform.
func parseDomain(domain string) (string, error) {
	switch domain {
	case "", "feishu":
		return "https://open.feishu.cn", nil
	case "lark":
		return "https://open.larksuite.com", nil
	}
	if strings.Contains(domain, "@") {
		return "", &eventcore.Error{ // without the value, which may hold a password
			Code: eventcore.CodeCredentialsMissing, Message: envDomain + " has a user name or a password before an @, which a platform's address has not",
			Hint: "use feishu, lark, or a base URL such as http://127.0.0.1:8080; the app's credentials have variables of their own",
		}
	}
	u, err := url.Parse(domain)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", &eventcore.Error{
			Code: eventcore.CodeCredentialsMissing, Message: fmt.Sprintf("%s is %q, which names no platform", envDomain, domain),
			Hint: "use feishu, lark, or a base URL such as http://127.0.0.1:8080",
		}
	}
	return u.Scheme + "://" + u.Host, nil
}

// domain is the base URL as a person knows it.
func (c *config) domain() string {
	switch c.baseURL {
	case "https://open.feishu.cn":
		return "feishu"
	case "https://open.larksuite.com":
		return "lark"
	}
	return c.baseURL
}

// requireApp returns the app's folder, or says which variable is missing.
func (c *config) requireApp() (statedir.App, error) {
	if c.appID == "" {
		return statedir.App{}, missing(envAppID, "the app id", "")
	}
	return c.home.App(c.appID), nil
}

// requireSecret says which variable is missing, if one is.
func (c *config) requireSecret() error {
	if c.secret == "" {
		return missing(envSecret, "the app secret", ", or "+envSecretFile+" to a file that holds it,")
	}
	return nil
}

func missing(variable, what, or string) error {
	return &eventcore.Error{
		Code:    eventcore.CodeCredentialsMissing,
		Message: fmt.Sprintf("%s is not set: %s is missing", variable, what),
		Hint: fmt.Sprintf("set %s%s in the environment of this server (in the MCP client's configuration: env); "+
			"the value is in the developer console under Credentials", variable, or),
	}
}

// fingerprint tells one secret from another without revealing it.
func (c *config) fingerprint() string {
	if c.secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(c.secret))
	mac.Write([]byte("lark-events-mcp bus of " + c.appID + " at " + c.baseURL))
	return hex.EncodeToString(mac.Sum(nil))[:16]
}
