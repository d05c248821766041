package webhook

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestEndpointURLs(t *testing.T) {
	for text, host := range map[string]string{
		"https://example.com":                          "example.com:443",
		"HTTPS://Example.com:8443/a?b=c%23":            "example.com:8443",
		"https://93.184.215.14/":                       "93.184.215.14:443",
		"https://[2606:2800:21f::1]:444/":              "[2606:2800:21f::1]:444",
		"http://example.com":                           "",
		"ftp://example.com":                            "",
		"https:example.com":                            "",
		"https:///path":                                "",
		"https://":                                     "",
		"//example.com":                                "",
		"":                                             "",
		"https://user@example.com":                     "",
		"https://:@example.com":                        "",
		"https://example.com/#":                        "",
		"https://example.com/#part":                    "",
		"https://example.com:":                         "",
		"https://example.com:0":                        "",
		"https://example.com:65536":                    "",
		"https://example.com:x":                        "",
		"https://exa mple.com":                         "",
		"https://example.com/\r\nX-Header: a":          "",
		"https://exämple.com":                          "",
		"https://127.0.0.1/":                           "",
		"https://[::1]/":                               "",
		"https://[::ffff:10.0.0.1]/":                   "",
		"https://[fe80::1%25eth0]/":                    "",
		"https://169.254.169.254/latest":               "",
		"https://e.com/" + strings.Repeat("x", maxURL): "",
	} {
		to, err := parseEndpoint(text, addressPolicy{})
		if host == "" {
			if err == nil {
				t.Errorf("%.60q is accepted", text)
			} else if e := refused(t, err); e.Data["param"] != "delivery.url" && e.Data["reason"] != ReasonRefused {
				t.Errorf("%.60q: %+v", text, e)
			}
		} else if err != nil || to.host != host || to.url != text {
			t.Errorf("%q: got %+v, %v", text, to, err)
		}
	}
}

func FuzzEndpoint(f *testing.F) {
	for _, seed := range []string{"https://example.com/a?b", "https://[::1]:1/", "https://a@b/#c", "https://0x7f.1/", "https://例え.jp"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to, err := parseEndpoint(text, addressPolicy{})
		if err != nil {
			refused(t, err)
			return
		}
		u, err := url.Parse(to.url)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.Hostname() == "" || strings.ContainsAny(to.host, "@/# ") {
			t.Errorf("%q is accepted as %+v", text, u)
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !(addressPolicy{}).permits(addr) {
			t.Errorf("%q is at %s", text, addr)
		}
		if _, err := http.NewRequest(http.MethodPost, to.url, nil); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func TestAddresses(t *testing.T) {
	allowed := addressPolicy{[]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for text, want := range map[string]bool{
		"8.8.8.8": true, "93.184.215.14": true, "2606:4700::1111": true, "2a00:1450::1": true, "::ffff:8.8.8.8": true, "64:ff9b::8.8.8.8": true,
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fd00:1::5": true,
		"0.0.0.0": false, "10.0.0.1": false, "100.64.0.1": false, "127.0.0.1": false, "127.255.0.1": false, "169.254.169.254": false,
		"172.16.0.1": false, "172.31.255.255": false, "192.0.0.1": false, "192.0.2.1": false, "192.168.1.1": false, "198.18.0.1": false,
		"198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"192.88.99.1": false, "::": false, "::1": false, "::ffff:127.0.0.1": false, "::127.0.0.1": false, "64:ff9b::127.0.0.1": false,
		"64:ff9b::10.0.0.1": false, "64:ff9b:1::8.8.8.8": false, "100::1": false, "2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false,
		"3fff::1": false, "5f00::1": false, "fc00::1": false, "fd00:2::1": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false,
	} {
		if got := allowed.permits(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if allowed.permits(netip.Addr{}) {
		t.Error("no address is permitted")
	}
}

func TestSecrets(t *testing.T) {
	long := func(n int) string { return "whsec_" + strings.Repeat("AAAA", n/3) }
	for text, good := range map[string]bool{
		long(24): true, long(63): true, secret(1): true, long(21): false, long(66): false, "": false, "whsec_": false,
		strings.TrimPrefix(long(24), "whsec_"): false, "WHSEC_" + long(24)[6:]: false, long(24) + "\n": false, long(24) + "!": false,
		"whsec_" + strings.Repeat("____", 8): false, "whsec_" + strings.Repeat("A", 34): false,
	} {
		if err := checkSecret(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
