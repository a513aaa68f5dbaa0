"""Runs the AWS CLI in forks of a process that has loaded it, since loading takes a second of CPU and a test makes hundreds of calls.

    aws_server.py serve SOCKET      load the AWS CLI, print "ready", and serve until standard input ends
    aws_server.py call SOCKET ARG…  one call: with this process's arguments, environment, folder and standard streams, and the
                                    exit code of the AWS CLI
"""

import json
import os
import socket
import sys

LENGTH = 8  # of the decimal number before a request, in bytes


def serve(path):
    import select

    before = dict(os.environ)
    import awscli.clidriver
    import awscli.customizations.s3.subcommands  # noqa: F401
    import s3transfer.crt  # noqa: F401

    awscli.clidriver.create_clidriver()
    added = {name: value for name, value in os.environ.items() if before.get(name) != value}  # where its data are
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listener, 0], [], [], 1)
        if 0 in ready:
            return
        while True:  # calls that have ended
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        if listener in ready:
            caller, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                answer(caller, added, awscli.clidriver.main)
            caller.close()


def answer(caller, added, main):
    """Makes one call in this process, and ends it."""
    length, streams, _, _ = socket.recv_fds(caller, LENGTH, 3)
    request = json.loads(caller.recv(int(length), socket.MSG_WAITALL))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    caller.set_inheritable(False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"], **added)
    sys.argv = ["aws"] + request["arguments"]
    try:
        code = main()
    except SystemExit as e:
        code = e.code
    code = code if isinstance(code, int) else 0 if code is None else 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    caller.sendall(b"%d" % code)
    os._exit(code)


def call(path, arguments):
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    request = json.dumps({"folder": os.getcwd(), "environment": dict(os.environ), "arguments": arguments}).encode()
    socket.send_fds(server, [b"%*d" % (LENGTH, len(request))], [0, 1, 2])
    server.sendall(request)
    code = server.recv(8)
    sys.exit(int(code) if code else 255)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        call(sys.argv[2], sys.argv[3:])
