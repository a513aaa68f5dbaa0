package stage

// For tests.
var (
	Rewrite      = rewrite
	RewriteSheet = rewriteSheet
)
