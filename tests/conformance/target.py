# prinex: a node to be certified, and the certification run against it
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""Node BY with system XA, which sends and fetches, and system XB, which is pushed to on a port that the runner listens on:
prinexd, or prinex-broken with faults. Both take the same configuration."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import px  # noqa: E402

ENVIRONMENT = "rehearsal"


def laboratory(*authorities):
    """A Lab with these, and with the certificates of XA that must be refused."""
    lab = px.Lab(*authorities)
    status, out, err = px.run([os.path.join(px.ROOT, "certs", "make-pki"), "--quiet", "--wrong", lab.pki, "XA"])
    if status != 0:
        raise RuntimeError("make-pki: " + out + err)
    return lab


def broker_by(lab, name=None, more=""):
    b = lab.broker("BY", name)
    b.environment = ENVIRONMENT
    b.counterpart_port = px.free_port()
    conf = b.head() + b.trust("BY", "XA", "XB") + b.partner("system-xa", "XA", "system") + b.partner(
        "system-xb", "XB", "system", url="https://127.0.0.1:%d" % b.counterpart_port, more='timeout = "8s"') + more
    if name:  # its certificates are those of node-by
        conf = conf.replace('name = "%s"' % name, 'name = "node-by"', 1)
    b.write(conf)
    return b


def start_broken(b, *faults):
    """prinex-broken instead of prinexd, under the same configuration."""
    b.out = open(b.log, "ab")
    b.process = subprocess.Popen([px.program("prinex-broken"), "-c", b.conf] + ["--" + f for f in faults], stdout=b.out, stderr=b.out,
                                 stdin=subprocess.DEVNULL)
    b.lab.processes.append(b.process)
    if not px.wait_for(lambda: b.process.poll() is not None or "ready:" in b.tail(5)) or b.process.poll() is not None:
        raise RuntimeError("prinex-broken did not get ready:\n" + b.tail())


def command(b, files, *options):
    return [px.program("prinex-conform"), "run"] + list(files) + [
        "--target", b.url(), "--certs", b.lab.pki, "--authority", "BY", "--as", "XA", "--counterpart", "XB",
        "--listen", str(b.counterpart_port), "--profile", "both"] + list(options)


def parse(tap):
    """Ids that passed, failed, were skipped."""
    passed, failed, skipped = set(), set(), set()
    for line in tap.splitlines():
        m = re.match(r"^(not )?ok \d+ - (\S+)(.*)$", line)
        if m:
            (skipped if "# SKIP" in m.group(3) else failed if m.group(1) else passed).add(m.group(2))
    return passed, failed, skipped


def cases(folder=HERE):
    return sorted(f[:-4] for f in os.listdir(folder) if f.endswith(".scn"))


SLEEPY = 3  # seconds of `sleep` in a case


def sleeps(case):
    """Seconds that a case does nothing but wait; what it sends drop by drop it sends for longer than any deadline."""
    total = 0
    with open(os.path.join(HERE, case + ".scn"), encoding="utf-8") as f:
        for line in f:
            words = line.split()
            if words[:1] == ["sleep"]:
                total += int(words[1].rstrip("s"))
            elif words[:1] == ["raw"] and any(w.startswith("pause=") for w in words):
                total += 10
    return total


def paths(ids):
    return [os.path.join(HERE, c + ".scn") for c in ids]


def switches():
    """Fault: ids of the cases that must notice it, from the file `switches`."""
    table = {}
    with open(os.path.join(HERE, "switches"), encoding="utf-8") as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                table[words[0]] = set(words[1:])
    return table
