// floor moves bytes with the least work that C can do it with, over plain HTTP, on Linux: what a client is measured against.
//
//   floor send    PORT PATH FILE SIZE PART CONNECTIONS   sendfile; no sums
//   floor receive PORT PATH FILE SIZE PART CONNECTIONS   read 256 KiB, pwrite into a preallocated file
//
// The driver compiles it where there is a compiler.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLICE = 256 << 10 };

static int port, file, receiving;
static const char *path;
static long size, part;
static atomic_long next;

static void die(const char *what) {
	perror(what);
	exit(1);
}

static int dial(void) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof to) < 0)
		die("connect");
	return s;
}

static void write_all(int s, const char *b, long n, int flags) {
	while (n > 0) {
		long w = send(s, b, n, flags);
		if (w <= 0)
			die("send");
		b += w, n -= w;
	}
}

// answer reads the head of an answer; it gives what of the body came with it, moved to the start of the buffer.
static long answer(int s, char *buf, long *length) {
	long have = 0;
	for (;;) {
		long n = read(s, buf + have, SLICE - have);
		if (n <= 0)
			die("read");
		have += n;
		char *end = memmem(buf, have, "\r\n\r\n", 4);
		if (!end)
			continue;
		*end = 0;
		char *l = strstr(buf, "Content-Length: ");
		if (strncmp(buf, "HTTP/1.1 2", 10) || !l) {
			fprintf(stderr, "answer: %s\n", buf);
			exit(1);
		}
		*length = atol(l + 16);
		long rest = have - (end + 4 - buf);
		memmove(buf, end + 4, rest);
		return rest;
	}
}

static void put(int s, char *buf, long n, off_t at, long left) {
	long length;
	int h = snprintf(buf, SLICE, "PUT %s%05ld HTTP/1.1\r\nHost: floor\r\nContent-Length: %ld\r\n\r\n", path, n, left);
	write_all(s, buf, h, MSG_MORE);
	while (left > 0) {
		long w = sendfile(s, file, &at, left);
		if (w <= 0)
			die("sendfile");
		left -= w;
	}
	answer(s, buf, &length);
}

static void get(int s, char *buf, off_t at, long n) {
	long left;
	int h = snprintf(buf, SLICE, "GET %s HTTP/1.1\r\nHost: floor\r\nRange: bytes=%ld-%ld\r\n\r\n", path, (long)at, (long)at + n - 1);
	write_all(s, buf, h, 0);
	long have = answer(s, buf, &left);
	while (left > 0) {
		long want = left < SLICE ? left : SLICE;
		while (have < want) {
			long r = read(s, buf + have, want - have);
			if (r <= 0)
				die("read");
			have += r;
		}
		if (pwrite(file, buf, have, at) != have)
			die("pwrite");
		at += have, left -= have, have = 0;
	}
}

static void *work(void *unused) {
	(void)unused;
	int s = dial();
	char *buf = malloc(SLICE);
	long n;
	if (!buf)
		die("malloc");
	while ((n = atomic_fetch_add(&next, 1)) * part < size) {
		long at = n * part, len = size - at < part ? size - at : part;
		if (receiving)
			get(s, buf, at, len);
		else
			put(s, buf, n, at, len);
	}
	close(s);
	free(buf);
	return NULL;
}

int main(int argc, char **argv) {
	if (argc != 8) {
		fprintf(stderr, "floor send|receive PORT PATH FILE SIZE PART CONNECTIONS\n");
		return 2;
	}
	receiving = !strcmp(argv[1], "receive");
	port = atoi(argv[2]), path = argv[3], size = atol(argv[5]), part = atol(argv[6]);
	int connections = atoi(argv[7]);
	pthread_t threads[64];
	if (connections < 1 || connections > 64)
		connections = 4;
	file = receiving ? open(argv[4], O_RDWR | O_CREAT | O_TRUNC, 0600) : open(argv[4], O_RDONLY);
	if (file < 0)
		die(argv[4]);
	if (receiving && fallocate(file, 0, 0, size) < 0)
		die("fallocate");
	for (int i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			die("pthread_create");
	for (int i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
