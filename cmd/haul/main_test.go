package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("HAUL_IS_MAIN") == "yes" {
		main()
		return
	}
	os.Exit(m.Run())
}

// What a server sends unasked, after its answer, is not for the terminal.
func TestNothingOfNetHTTPIsPrinted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go chatter(c)
		}
	}()
	cmd := exec.Command(os.Args[0], "ls", "s3://b/", "--endpoint-url", "http://"+l.Addr().String(), "--no-sign-request")
	cmd.Env = append(os.Environ(), "HAUL_IS_MAIN=yes", "HAUL_STATE_DIR="+t.TempDir(), "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "Unsolicited") || !strings.Contains(string(out), "k9") {
		t.Errorf("%v\n%s", err, out)
	}
}

// chatter answers listings of ten pages, and says more than it was asked.
func chatter(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	page := 0
	for {
		head := ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if head += line; line == "\r\n" {
				break
			}
		}
		if _, text, ok := strings.Cut(head, "continuation-token="); ok {
			_, _ = fmt.Sscan(text[:1], &page)
		}
		more := page < 9
		body := fmt.Sprintf(`<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix><KeyCount>1</KeyCount>`+
			`<MaxKeys>1</MaxKeys><IsTruncated>%v</IsTruncated><Contents><Key>k%d</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>`+
			`<ETag>"0cc175b9c0f1b6a831c399e269772661"</ETag><Size>1</Size></Contents><NextContinuationToken>%d</NextContinuationToken></ListBucketResult>`, more, page, page+1)
		if !more {
			body = strings.Replace(body, "<NextContinuationToken>10</NextContinuationToken>", "", 1)
		}
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 500 Not Asked\r\n\r\n", len(body), body)
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}
