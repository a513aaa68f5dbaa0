package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"haul.example/haul/lab/endpoint"
	"haul.example/haul/lab/gateway"
)

// cephPrograms are what a cluster takes: Debian's radosgw, ceph-mon, ceph-mgr, ceph-osd and ceph-common.
var cephPrograms = []string{"radosgw", "radosgw-admin", "ceph-mon", "ceph-mgr", "ceph-osd", "ceph", "ceph-authtool", "monmaptool"}

// cluster is a Ceph cluster of one host: one monitor, one manager, one OSD that keeps its data in memory, and one RADOS
// Gateway, which answers HTTP on one loopback port and HTTPS on another. It takes 15 s to start, so that all tests of a
// process share one, each with buckets of its own.
type cluster struct {
	dir     string
	plain   string // address of HTTP
	secure  string // address of HTTPS
	ca      string // path of the authority's certificate
	daemons []*daemon
}

type daemon struct {
	name  string
	cmd   *exec.Cmd
	out   *output
	ended chan struct{}
}

var shared struct {
	sync.Mutex
	cluster *cluster
	err     error
}

// startCeph returns the endpoint of the shared cluster, which it starts for the first test that asks. It skips the test
// where a program is missing, or where root does not run it.
func startCeph(tb testing.TB, secure bool) endpoint.Endpoint {
	tb.Helper()
	for _, p := range cephPrograms {
		if _, err := exec.LookPath(p); err != nil {
			tb.Skipf("%s is not installed: apt-get install radosgw ceph-mon ceph-mgr ceph-osd ceph-common", p)
		}
	}
	if os.Geteuid() != 0 {
		tb.Skip("Ceph's daemons are started by root only")
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = newCluster(tb)
	}
	if shared.err != nil {
		tb.Fatalf("start Ceph: %v", shared.err)
	}
	c := shared.cluster
	tb.Cleanup(func() {
		if tb.Failed() {
			for _, d := range c.daemons {
				tb.Logf("%s printed:\n%s", d.name, d.out)
			}
		}
	})
	e := endpoint.Endpoint{URL: "http://" + c.plain, AccessKey: accessKey, SecretKey: secretKey}
	if secure {
		e.URL, e.CA = "https://"+c.secure, c.ca
	}
	return e
}

// Stop stops what the tests of this process shared. TestMain calls it.
func Stop() {
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster != nil {
		shared.cluster.stop()
	}
}

func newCluster(tb testing.TB) (_ *cluster, err error) {
	dir, err := os.MkdirTemp("", "haul-ceph-") // a short path: a socket's name has at most 107 bytes
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	defer func() {
		if err != nil {
			for _, d := range c.daemons {
				err = fmt.Errorf("%w\n%s printed:\n%s", err, d.name, d.out)
			}
			c.stop()
		}
	}()
	c.ca = writeCertificate(tb, dir)
	if err := c.configure(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	return c, c.start(ctx)
}

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name) }

// configure writes the settings, which hold all ports, and the keys.
func (c *cluster) configure() error {
	addrs := make([]string, 4)
	for i := range addrs {
		var err error
		if addrs[i], err = gateway.FreeAddr(); err != nil {
			return err
		}
	}
	c.plain, c.secure = addrs[2], addrs[3]
	for _, name := range []string{"mon", "osd0", "mgr", "rgw"} {
		if err := os.Mkdir(c.file(name), 0o700); err != nil {
			return err
		}
	}
	uuid, err := newUUID()
	if err != nil {
		return err
	}
	conf := strings.NewReplacer("$DIR", c.dir, "$FSID", uuid, "$MON2", addrs[0], "$MON1", addrs[1],
		"$PLAIN", c.plain, "$SECURE", c.secure).Replace(cephConf)
	return os.WriteFile(c.file("ceph.conf"), []byte(conf), 0o600)
}

const cephConf = `[global]
fsid = $FSID
mon host = [v2:$MON2,v1:$MON1]
mon initial members = a
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
osd crush chooseleaf type = 0
mon max pg per osd = 1000
log file = $DIR/$name.log
admin socket = $DIR/$name.asok
run dir = $DIR
keyring = $DIR/keyring
ms bind ipv6 = false
[mon.a]
mon data = $DIR/mon
[osd]
osd data = $DIR/osd$id
osd objectstore = memstore
memstore device bytes = 6442450944
[mgr]
mgr data = $DIR/mgr
mgr initial modules =
[client.rgw]
rgw frontends = beast endpoint=$PLAIN ssl_endpoint=$SECURE ssl_certificate=$DIR/public.crt ssl_private_key=$DIR/private.key
rgw data = $DIR/rgw
rgw enable usage log = false
rgw gc max objs = 8
rgw thread pool size = 64
rgw dynamic resharding = false
`

// start starts one daemon after the other, as Ceph's manual deployment has it, and returns when the gateway has a user.
func (c *cluster) start(ctx context.Context) error {
	conf, keyring, monmap := c.file("ceph.conf"), c.file("keyring"), c.file("monmap")
	settings, err := os.ReadFile(conf)
	if err != nil {
		return err
	}
	fsid := value(string(settings), "fsid")
	osd, err := newUUID()
	if err != nil {
		return err
	}
	do := func(program string, args ...string) {
		if err == nil {
			err = c.run(ctx, program, args...)
		}
	}
	daemon := func(program string, args ...string) {
		if err == nil {
			err = c.daemon(program, append(args, "-c", conf, "-f")...)
		}
	}
	do("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
	for _, name := range []string{"client.admin", "client.rgw", "osd.0", "mgr.x"} {
		do("ceph-authtool", keyring, "--gen-key", "-n", name, "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
	}
	do("monmaptool", "--create", "--addv", "a", value(string(settings), "mon host"), "--fsid", fsid, monmap)
	do("ceph-mon", "-c", conf, "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)
	daemon("ceph-mon", "-i", "a")
	do("ceph", "-c", conf, "osd", "new", osd)
	daemon("ceph-mgr", "-i", "x")
	do("ceph-osd", "-c", conf, "-i", "0", "--mkfs", "--osd-uuid", osd)
	do("ceph", "-c", conf, "osd", "crush", "add", "osd.0", "1.0", "host=lab", "root=default")
	daemon("ceph-osd", "-i", "0")
	daemon("radosgw", "-n", "client.rgw")
	do("radosgw-admin", "-c", conf, "user", "create", "--uid", "lab", "--display-name", "lab", "--access-key", accessKey, "--secret-key", secretKey)
	return err
}

// value returns what a setting is set to.
func value(settings, name string) string {
	for line := range strings.Lines(settings) {
		if k, v, ok := strings.Cut(line, " = "); ok && k == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func newUUID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	return strings.TrimSpace(string(b)), err
}

// run runs a command to its end.
func (c *cluster) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir = endpoint.Bare(c.dir), c.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

func (c *cluster) daemon(program string, args ...string) error {
	d := &daemon{name: program, cmd: exec.Command(program, args...), out: &output{}, ended: make(chan struct{})}
	d.cmd.Env, d.cmd.Dir = endpoint.Bare(c.dir), c.dir
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	endWithParent(d.cmd)
	if err := d.cmd.Start(); err != nil {
		return err
	}
	c.daemons = append(c.daemons, d)
	go func() {
		_ = d.cmd.Wait()
		close(d.ended)
	}()
	return nil
}

// stop stops the daemons, the last one first: an OSD waits for its monitor.
func (c *cluster) stop() {
	for i := len(c.daemons) - 1; i >= 0; i-- {
		d := c.daemons[i]
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-d.ended:
		case <-time.After(5 * time.Second):
			_ = d.cmd.Process.Kill()
			<-d.ended
		}
	}
	_ = os.RemoveAll(c.dir)
}
