package doctor

import (
	"context"
	"fmt"
	"strings"

	"haul.example/haul/internal/amount"
	"haul.example/haul/store"
)

// settingsOf are the settings that are checked, in their order.
var settingsOf = []store.BucketSetting{store.Versioning, store.ObjectLock, store.AbortUploads, store.RequestPayment, store.DefaultEncryption}

// bucket reports the limits and the settings of the bucket.
func (d *run) bucket(ctx context.Context) {
	if d.Where.Bucket == "" {
		d.skip("no bucket was given; to check one: "+d.Line("doctor", "s3://BUCKET"), "bucket")
		return
	}
	l := d.store.Limits(d.Where.Bucket)
	what := fmt.Sprintf("up to %d parts of %s to %s; objects up to %s", l.MaxParts, amount.Bytes(l.MinPart), amount.Bytes(l.MaxPart), amount.Bytes(l.MaxObject))
	if l.EqualParts {
		what += "; all parts but the last have one size"
	}
	d.ok("limits", "%s", what)
	inspector, ok := d.store.(store.Inspector)
	for _, s := range settingsOf {
		switch why := d.blocked(); {
		case !ok:
			d.open("this store does not report it", string(s))
		case why != "":
			d.skip(why, string(s))
		default:
			d.setting(ctx, inspector, s)
		}
	}
}

func (d *run) setting(ctx context.Context, inspector store.Inspector, s store.BucketSetting) {
	ctx, cancel := limited(ctx)
	defer cancel()
	value, err := inspector.BucketSetting(ctx, d.Where.Bucket, s)
	switch store.KindOf(err) {
	case "":
		d.judged(s, value)
	case store.Denied:
		d.open("unknown: these credentials may not read this setting", string(s))
	default:
		d.failed(string(s), err)
	}
}

// judged reports what a setting means for transfers.
func (d *run) judged(s store.BucketSetting, value string) {
	name := string(s)
	switch {
	case s == store.Versioning && value == "Enabled":
		d.ok(name, "on: deleted and replaced objects remain as noncurrent versions, which are billed")
	case s == store.ObjectLock && strings.ContainsAny(value, "0123456789"):
		d.locked = true
		d.ok(name, "on: new objects cannot be deleted (%s)", value)
	case s == store.AbortUploads && value != "":
		d.ok(name, "unfinished uploads are aborted after %s days", value)
	case s == store.AbortUploads:
		d.warn(name, "no rule aborts unfinished uploads, whose parts are billed",
			"add such a rule (AbortIncompleteMultipartUpload), or run from time to time: "+d.Line("uploads", "s3://"+d.Where.Bucket, "--abort", "--older-than", "7d"))
	case s == store.RequestPayment && value == "Requester" && d.Attrs.RequestPayer == "":
		d.warn(name, "on: requests from other accounts are refused unless they agree to pay", "if the bucket is not yours, and you agree to pay, add --request-payer requester")
	case s == store.RequestPayment && value == "Requester":
		d.ok(name, "on: you pay for these requests")
	case s == store.RequestPayment:
		d.ok(name, "off: the owner of the bucket pays")
	case value == "":
		d.ok(name, "off")
	default:
		d.ok(name, "%s", value)
	}
}
