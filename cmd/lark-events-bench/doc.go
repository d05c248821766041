// Command lark-events-bench measures how fast lark-events-mcp is, each figure beside the least that could do the same,
// taken in the same run on the same machine: machines differ, ratios hardly do.
//
// It builds and runs the real program, over real sockets and with a journal on disk, against a simulated platform. It
// decides nothing: the exit code says only whether everything could be measured. People who change something for speed
// run it before and after; testdata/bench.json at the root has the last results that were kept, with their commit.
package main
