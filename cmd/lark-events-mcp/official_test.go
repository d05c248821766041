//go:build unix

package main_test

import "testing"

// TestOfficialPrograms has what the authors of the protocol publish judge the server, on the simulated platform.
func TestOfficialPrograms(t *testing.T) {
	n := installNode(t)
	for version := range conformant {
		t.Run("conformance/"+version, func(t *testing.T) {
			_, a := newWorld(t).serveHTTP("--demo")
			n.conformance(t, version, a.url)
		})
	}
	for _, sdk := range []string{"@modelcontextprotocol/sdk", "@modelcontextprotocol/client"} {
		t.Run(sdk+"/HTTP", func(t *testing.T) {
			_, a := newWorld(t).serveHTTP("--demo")
			n.client(t, sdk, a.url)
		})
		t.Run(sdk+"/stdio", func(t *testing.T) {
			needsBinary(t)
			n.client(t, sdk, binary, "serve", "--demo")
		})
	}
}

// client has an SDK's client listen to events.
func (n *node) client(t *testing.T, args ...string) {
	t.Helper()
	if out, err := n.run(t, append([]string{"client.mjs"}, args...)...); err != nil {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
}
