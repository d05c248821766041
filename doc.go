// Package larkevents is the root of lark-events-mcp, an MCP server that lets AI agents listen to Lark (Feishu).
//
// It holds no code, only the tests of what concerns the whole module. The program is in cmd/lark-events-mcp.
package larkevents
