// Command lark-events-mcp lets AI agents listen to Lark (Feishu): an MCP server, the event bus behind it, and
// what a person needs to look at both.
//
// One file a subcommand; they only wire the packages together and know no more than flags, environment, output
// and exit codes.
package main
