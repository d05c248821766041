package jq

// IsPlain reports whether an expression, which must compile, runs without a sandbox.
func IsPlain(text string) bool {
	query, err := parse(text)
	return err == nil && isPlain(text, query)
}

// CompileBoxed returns the program that always runs in the sandbox.
func (s *Sandbox) CompileBoxed(p *Program) *Program { return &Program{text: p.text, sandbox: s} }
