// Package workflow runs haul run against a real S3 server, with real tools, real signals and real workflow engines. It is only
// tests; each skips, and says so, where a program that it needs is not installed.
//
// Between haul and the server (versitygw) stands a relay that counts requests and bytes, and can hold one request, so that a kill
// comes at a known moment.
package workflow
