package servers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store/storetest"
)

// TestDigestsInMetadata lets rclone and s3cmd read the MD5 that haul keeps in the metadata, of an object in one and of one in parts,
// and haul compare those that they keep. Md5sum itself checks the receipt.
func TestDigestsInMetadata(t *testing.T) {
	haul := built.Haul(t)
	each(t, func(t *testing.T, s *servers.Server) {
		bucket, dir := s.Bucket(t), t.TempDir()
		for name, content := range map[string]*storetest.Pattern{
			"small.vcf": storetest.Generated(4321, 1), "large.bam": storetest.Generated(33*mib+11, 2),
		} {
			path := file(t, filepath.Join(dir, name), content)
			md5 := md5Of(t, path)
			receipt, object := filepath.Join(dir, name+".jsonl"), bucket+"/ours/"+name
			run(t, s, nil, haul, "cp", "--digest", "md5", "--digest-first", "--receipt", receipt, path, "s3://"+object)
			run(t, s, nil, haul, "cp", "--digest", "md5", "s3://"+object, filepath.Join(dir, "back"))
			lines := run(t, s, nil, haul, "receipt", "md5sum", receipt)
			if md5sum, err := exec.LookPath("md5sum"); err == nil {
				run(t, s, strings.NewReader(lines), "env", "-C", dir, md5sum, "-c", "--strict") // names are those below the target
			}
			// Older rclones cannot do with AWS_CA_BUNDLE, and have an option of their own.
			for _, p := range []struct {
				name     string
				get, put []string
			}{
				{"rclone", rclone(s, "md5sum", ":s3:"+object), rclone(s, "copyto", path, ":s3:"+bucket+"/rclone/"+name)},
				{"s3cmd", append(s3cmd(s), "info", "s3://"+object), append(s3cmd(s), "put", path, "s3://"+bucket+"/s3cmd/"+name)},
			} {
				program, err := exec.LookPath(p.name)
				if err != nil {
					t.Logf("%s is not installed", p.name)
					continue
				}
				if said := run(t, s, nil, "env", append([]string{"-u", "AWS_CA_BUNDLE", program}, p.get...)...); !strings.Contains(said, md5) {
					t.Errorf("%s: %s does not tell the MD5 %s:\n%s", name, p.name, md5, said)
				}
				run(t, s, nil, "env", append([]string{"-u", "AWS_CA_BUNDLE", program}, p.put...)...)
				theirs := "s3://" + bucket + "/" + p.name + "/" + name
				run(t, s, nil, haul, "cp", "--digest", "md5", theirs, filepath.Join(dir, "back"))
			}
		}
	})
}

// md5Of gives the MD5 of a file in hex.
func md5Of(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return checksum.Bytes(checksum.MD5, b).Hex()
}

// rclone gives a line for a remote without a config file.
func rclone(s *servers.Server, args ...string) []string {
	args = append([]string{"--config=", "--s3-provider=Other", "--s3-access-key-id=" + s.AccessKey, "--s3-secret-access-key=" + s.SecretKey,
		"--s3-endpoint=" + s.URL, "--s3-region=us-east-1", "--s3-upload-cutoff=6Mi", "--s3-chunk-size=6Mi"}, args...)
	if s.CA != "" {
		args = append(args, "--ca-cert="+s.CA)
	}
	return args
}
