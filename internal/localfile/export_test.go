package localfile

// RenameNew and PlaceNew let tests try what Commit does on file systems that are not at hand.
var (
	RenameNew = Below{}.renameNew
	PlaceNew  = Below{}.placeNew
)
