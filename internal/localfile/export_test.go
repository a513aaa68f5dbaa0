package localfile

// RenameNew lets tests try what Commit falls back to where links are refused.
var RenameNew = renameNew
