package command

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Direction says what is copied where.
type Direction string

// The directions. Those of a tree are about all that is in a folder or below a prefix.
const (
	UploadFile     Direction = "upload"
	UploadStream   Direction = "upload of a stream"
	DownloadFile   Direction = "download"
	DownloadStream Direction = "download to a stream"
	CopyObject     Direction = "copy"
	UploadTree     Direction = "upload of a folder"
	DownloadTree   Direction = "download of a folder"
	CopyTree       Direction = "copy of a folder"
)

// verb is the direction's word in results.
func (d Direction) verb() string {
	switch d {
	case UploadStream, UploadTree:
		return string(UploadFile)
	case DownloadStream, DownloadTree:
		return string(DownloadFile)
	case CopyTree:
		return string(CopyObject)
	}
	return string(d)
}

// CopyRequest copies, moves or synchronizes files and objects. From and To are complete: if the direction is not that of a tree, To
// has its last name.
type CopyRequest struct {
	Direction Direction
	From, To  Location
	Options   haul.Options // without Observe
	// Transfer has the choices for one object, and Tree, which includes them, those for a tree. Move, DryRun, NoOverwrite, Archived
	// and Select.Filter of Tree hold for one object too.
	Transfer mirror.TransferOptions
	Tree     mirror.SyncOptions
	// Sync compares both ends first, and transfers only what differs; for trees.
	Sync bool
	// GuessTypes sets the content type of each file of a tree by its name.
	GuessTypes bool
	// FilesFrom names a file with the paths to transfer, one a line; "-" is standard input, "" is no list.
	FilesFrom string
	// Plan names a file to write the steps of a dry run to; "" is none.
	Plan string
	// Source is the source's store, if a copy is from another one.
	Source SourceStore
	// Stats prints what the run used, and what limited it.
	Stats bool
	// Receipt names a file to append a line for each transferred object to; "" is none.
	Receipt string
}

// Copy runs r.
func (s *Session) Copy(ctx context.Context, r CopyRequest) error {
	if r.Source.Region != "" && !s.Between(r.Source) {
		s.Connection.Regions = map[string]string{r.From.Ref.Bucket: r.Source.Region}
	}
	s.DataOnStdout = r.To.Kind == Stream
	switch {
	case r.Direction == UploadTree, r.Direction == DownloadTree, r.Direction == CopyTree:
		return s.copyTree(ctx, r)
	case r.Tree.DryRun:
		return s.dryRun(ctx, r)
	}
	return s.copyOne(ctx, r)
}

// sourceClient connects to the source's store, if that is another one than the target's; else it returns nil.
func (s *Session) sourceClient(ctx context.Context, r CopyRequest) (*haul.Client, error) {
	if !s.Between(r.Source) {
		return nil, nil
	}
	if r.Plan != "" {
		return nil, Usagef("--plan goes with one store: a plan has no names of stores")
	}
	return s.connect(ctx, s.sourceConnection(r.Source), r.Options)
}

// copyOne copies or moves one file, object or stream.
func (s *Session) copyOne(ctx context.Context, req CopyRequest) error {
	screen := s.Screen()
	client, err := s.client(ctx, req.Options)
	if err != nil {
		return err
	}
	defer s.noteStop(ctx)()
	if !req.wanted() {
		screen.Note("the filters exclude it; nothing was transferred")
		return nil
	}
	receipt, err := s.openReceipt(req.Receipt, store.Identity(client.Store()), req.recorded(req.From), req.recorded(req.To))
	if err != nil {
		return err
	}
	from := req.From.End()
	if from.Client, err = s.sourceClient(ctx, req); err != nil {
		return err
	}
	var result haul.Result
	task := req.task()
	err = screen.During(task, client, func() (err error) {
		result, err = s.move(ctx, client, from, req)
		return err
	})
	if err == nil {
		source, target := req.recorded(req.From), req.recorded(req.To)
		receipt.add(about{req.verb(), source, target, below("", target)}, result) // close returns its error
		receipt.end(1, true)
	}
	if rerr := receipt.close(); rerr != nil {
		return errors.Join(rerr, err)
	}
	switch {
	case err == nil:
		screen.Done(task, result)
		s.limits(task, client, req.Stats, nil)
		return nil
	case req.Tree.NoOverwrite && (errors.Is(err, store.Exists) || errors.Is(err, fs.ErrExist)):
		text := task.Target + " exists already; skipped"
		if receipt != nil {
			text += "; the receipt has no line for it"
		}
		screen.Note(text)
		return nil
	case req.Tree.Archived == mirror.IgnoreArchived && errors.Is(err, store.Archived):
		return nil
	}
	s.limits(task, client, req.Stats, err)
	return &transferError{total: client.Progress().Total, err: err}
}

// recorded returns one end of a transfer as receipts have it: a path as it was typed, or the address of an object.
func (r CopyRequest) recorded(l Location) string {
	switch {
	case l.Kind == Remote:
		return Scheme + l.Ref.Bucket + "/" + l.Ref.Key
	case l.Kind == Stream, r.Direction == UploadStream, r.Direction == DownloadStream:
		return "-"
	}
	return filepath.Clean(l.Text)
}

// placed is recorded for one object of a tree.
func (r CopyRequest) placed(text string) string {
	if strings.HasPrefix(text, Scheme) {
		return text
	}
	return filepath.Clean(r.place(text))
}

// wanted reports whether the filters include the one file or object; they match its path below its folder.
func (r CopyRequest) wanted() bool {
	if r.From.Kind == Local {
		abs, err := filepath.Abs(filepath.Dir(r.From.Text))
		if err != nil {
			abs = ""
		}
		return r.Tree.Select.Filter.Wants(filepath.ToSlash(abs), filepath.Base(r.From.Text))
	}
	return r.Tree.Select.Filter.Wants("", BaseKey(r.From.Ref.Key))
}

// dryRun reports what would be done with one file or object.
func (s *Session) dryRun(ctx context.Context, req CopyRequest) error {
	screen := s.Screen()
	if !req.wanted() {
		screen.Note("the filters exclude it; nothing would be transferred")
		return nil
	}
	if req.From.Kind == Local {
		fi, err := os.Stat(req.From.Text)
		if err != nil {
			return err
		}
		screen.Planned(req.task(), fi.Size())
		return nil
	}
	client, err := s.sourceClient(ctx, req)
	if err == nil && client == nil {
		client, err = s.client(ctx, req.Options)
	}
	if err != nil {
		return err
	}
	attrs := req.Transfer.Attrs
	if req.Direction == CopyObject {
		attrs.Encryption.Customer = attrs.Encryption.CopySource
	}
	obj, err := client.Store().Head(ctx, store.GetRequest{Ref: req.From.Ref, Attrs: &attrs})
	if err != nil {
		return err
	}
	screen.Planned(req.task(), obj.Size)
	return nil
}

// limits prints what limited a run: with figures also if it failed after something moved.
func (s *Session) limits(t ui.Task, c *haul.Client, figures bool, err error) {
	if s.shared != nil { // its figures are those of a batch
		return
	}
	stats := c.Stats()
	if err == nil && (figures || s.Verbose) || figures && stats.Moved > 0 {
		s.Screen().Stats(t, stats, figures)
	}
}

// task names the transfer in results.
func (r CopyRequest) task() ui.Task {
	t := ui.Task{Verb: r.verb(), Dry: r.Tree.DryRun, Source: r.From.shown("stdin"), Target: r.To.shown("stdout")}
	t.Name = r.From.base()
	if r.From.Kind == Stream {
		t.Name = r.To.base()
	}
	return t
}

// verb is what is done to each object, in results.
func (r CopyRequest) verb() string {
	if r.Tree.Move {
		return "move"
	}
	return r.Direction.verb()
}

// move calls the library.
func (s *Session) move(ctx context.Context, c *haul.Client, from mirror.End, r CopyRequest) (haul.Result, error) {
	if r.Tree.Move {
		result, err := mirror.MoveOne(ctx, c, from, r.To.End(), r.Transfer)
		if err != nil && r.From.Kind == Local {
			if _, missing := FileMode(r.From.Text); missing != nil {
				err = missing
			}
		}
		return result, err
	}
	switch r.Direction {
	case UploadFile:
		return c.Upload(ctx, r.From.Text, r.To.Ref, r.Transfer.Upload())
	case DownloadFile:
		return c.Download(ctx, r.From.Ref, r.To.Text, r.Transfer.Download())
	case CopyObject:
		return mirror.One{Client: c, From: from, To: r.To.End()}.Transfer(ctx, r.Transfer)
	case UploadStream:
		return s.System.UploadStream(ctx, c, r.From, r.To.Ref, r.Transfer.Upload())
	}
	return s.System.DownloadStream(ctx, c, r.From.Ref, r.To, r.Transfer.Download())
}

// transferError is the error of one transfer, with what the advice on resuming needs.
type transferError struct {
	total int64 // bytes
	err   error
}

// Error returns the cause.
func (e *transferError) Error() string { return ui.Reason(e.err) }

// Unwrap returns the cause.
func (e *transferError) Unwrap() error { return e.err }
