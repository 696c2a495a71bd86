#!/usr/bin/env python3
# prinex: what README.md tells a newcomer to type works as it stands there
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re
import tempfile

import px

with open(os.path.join(px.ROOT, "README.md"), encoding="utf-8") as f:
    text = f.read()
block = re.search(r"\n((?:    .*\n)*?    PATH=.*\n(?:    .*\n|\n(?=    ))*)", text)
px.ok(block, "README.md has its lines to type")
lines = "\n".join(line[4:] for line in block.group(1).splitlines()) if block else "false"
lines = lines.replace("PATH=$PWD/build:$PATH", "").replace("127.0.0.1:8443", "127.0.0.1:%d" % px.free_port())
# A test need not be a user of its own, and waits where a person would.
lines = lines.replace("prinexd -c prinex.conf &", "prinexd -c prinex.conf --allow-root >log 2>&1 &\ntrap \"kill $!\" EXIT")
# The build may lie outside the checkout, where the client does not find the catalogue by itself.
lines = lines.replace('client {', 'client {\n  catalogue = "%s"' % px.CATALOGUE)
lines = lines.replace("prinex ping", "for i in $(seq 300); do grep -q 'broker ready' log && break; sleep 0.1; done; prinex ping")
with tempfile.TemporaryDirectory(prefix="prinex-readme-") as folder:
    for name in ("certs", "tests", "schemas"):
        os.symlink(os.path.join(px.ROOT, name), os.path.join(folder, name))
    env = dict(os.environ, PATH=px.BUILD + ":" + os.environ["PATH"])
    status, out, err = px.run(["bash", "-c", "set -e\n" + lines + "\nwait $!; trap - EXIT"], cwd=folder, env=env)
    px.ok(status == 0, "every command of it ends well", "status %d\n%s%s" % (status, out, err))
    px.ok("accepted by BY as BY" in out, "the declaration is accepted", out + err)
    px.ok(re.search(r"UA +node-ua", out), "and waits for the other authority's broker", out + err)
px.done()
