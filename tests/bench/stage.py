# prinex: what the benchmark plays on: payloads of any size, one broker, its CPU and memory, the disk
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import concurrent.futures
import math
import mmap
import os
import re
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import px  # noqa: E402

OVERHEAD = 3300  # octets of header and RSA signature around a payload
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


class Payloads:
    """Declarations with as many items as make an exchange of the size asked for: official NCTS5 messages where the corpus is,
    else (or if they are to be) our own transit declarations. Sizes below that of one item give one item."""

    def __init__(self, folder, own=False):
        self.folder, self.made = folder, {}
        source = None if own else px.corpus("ncts5", "messages", "large", "CD001C_1999_items.xml")
        self.official = bool(source)
        self.type = "CD001C" if source else "TransitDeclaration"
        if source:
            text = read(source[0])
            first, last = text.index("<ConsignmentItem>"), text.rindex("</ConsignmentItem>") + len("</ConsignmentItem>")
            self.head, self.tail = text[:first], text[last:]
            self.items = re.split(r"(?=<ConsignmentItem>)", text[first:last])[1:]
            self.fixed = len(self.head.encode()) + len(self.tail.encode())
        else:
            few, many = (len(self.ours(n).encode()) for n in (20, 1000))
            self.each = (many - few) / 980
            self.fixed = few - 20 * self.each

    def ours(self, n):
        """A transit declaration with @n items: the parts before the items grow with them, so that nothing can be cut out of a larger one."""
        subprocess.run([os.path.join(px.ROOT, "schemas", "examples", "make-large"), self.folder, str(n)], check=True, stdout=subprocess.DEVNULL)
        return read(os.path.join(self.folder, "TransitDeclaration-%d.xml" % n))

    def cut(self, room):
        n = 0
        while n < len(self.items) and (n == 0 or room > 0):
            room -= len(self.items[n].encode())
            n += 1
        return self.head + "".join(self.items[:n]) + self.tail

    def file(self, size):
        """Path of a payload that makes an exchange of about @size octets."""
        if size not in self.made:
            room = size - OVERHEAD - self.fixed
            path = os.path.join(self.folder, "payload-%d.xml" % size)
            with open(path, "w", encoding="utf-8") as f:
                f.write(self.cut(room) if self.official else self.ours(max(1, round(room / self.each))))
            self.made[size] = path
        return self.made[size]


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Node:
    """The broker that is measured: a system pushes to it and is pushed to, and so is the recipient's."""

    def __init__(self, lab, official, folder=None, more=""):
        """@folder: its own, where a lab has several; @more: sections for its configuration."""
        self.lab, self.broker = lab, lab.broker("BY", folder=folder)
        self.store = os.path.join(self.broker.dir, "store")
        self.origin, self.recipient = px.free_port(), px.free_port()
        self.run = 0
        by = self.broker
        inspect = 'official = "%s"' % os.path.realpath(px.CORPUS) if official else ""
        text = by.head(inspect).replace("workers = 2", "workers = 0").replace('map-size = "4G"', 'map-size = "64G"')
        text += by.trust("BY", "UA")
        for name, authority, port in (("system-by", "BY", self.origin), ("system-ua", "UA", self.recipient)):
            text += by.partner(name, authority, "system", url="https://127.0.0.1:%d" % port, more="in-flight = 32 rules = {}")
        for name in IDLERS:
            text += by.partner(name, "BY", "officer", more="rate = 0")
        by.write(text + more)

    def memory_kb(self):
        return memory_kb(self.broker.pids())

    def load(self, kinds, count, seconds, **how):
        """As drive(), with a number of its own."""
        self.run += 1
        try:
            return drive(self.lab, self.broker.port, (self.recipient, self.origin), self.broker.pids, kinds, run=self.run, count=count,
                         seconds=seconds, **how)
        except RuntimeError as e:
            raise RuntimeError("%s\n%s" % (e, self.broker.tail(5))) from e


def drive(lab, port, partners, pids, kinds, run, count, seconds, rate=0, key="sign", in_flight=32, warm=200, proof=1, start=None, more=()):
    """Drive messages through what listens on @port and has the processes pids(); what bench-load says, and CPU us of those
    processes per message counted. @start: a barrier where several wait for each other."""
    argv = [px.program("bench-load"), "--pki", lab.pki, "--port", str(port)]
    for name, value in (("recipient", partners[0]), ("origin", partners[1]), ("run", run), ("count", count + warm), ("seconds", seconds),
                        ("rate", rate), ("in-flight", in_flight), ("warm", warm), ("key", key), ("proof", proof)):
        argv += ["--" + name, str(value)]
    with subprocess.Popen(argv + list(more) + kinds, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        if p.stdout.readline() != "ready\n":
            if start:
                start.abort()
            raise RuntimeError("bench-load does not get ready")
        if start:
            start.wait(600 * px.SLOW)
        before, parts = cpu_us(pids()), parts_us(pids())
        p.stdin.write("go\n")
        p.stdin.flush()
        done = p.stdout.readline()
        cpu, memory = cpu_us(pids()) - before, memory_kb(pids())
        own = own_kb(pids())
        parts = {k: us - parts[k] for k, us in parts_us(pids()).items()}
        found = {k: float(v) for k, v in re.findall(r"^(\w+)=(\S+)$", p.stdout.read(), re.M)}
        if done != "done\n" or p.wait(60) != 0:
            raise RuntimeError("not every message was accepted and brought to its end: %s" % found)
    found["broker_cpu_us"], found["rss_kb"], found["own_kb"] = cpu / found["counted"], memory, own
    found.update(("cpu_us_" + k, us / found["counted"]) for k, us in parts.items())
    return found


class Comparison:
    """The same load on several nodes at the same time, window after window: what else the machine has to do meanwhile slows all of
    them alike. Goes on until the ratios to the first node are known to @precision (their standard error), whatever they are, or
    @windows are over."""

    def __init__(self, nodes, kinds, seconds=5, most=8000, windows=40, precision=0.015, **how):
        self.found = [[] for _ in nodes]
        for n in range(1, windows + 1):
            self.window(nodes, kinds, seconds, most, how)
            if n >= 6 and max(self.error(i, key) for i in range(1, len(nodes)) for key in ("rate", "broker_cpu_us")) <= precision:
                break

    def window(self, nodes, kinds, seconds, most, how):
        start = threading.Barrier(len(nodes))
        with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
            jobs = [pool.submit(node.load, kinds, most, seconds, start=start, **how) for node in nodes]
            for found, job in zip(self.found, jobs):
                found.append(job.result())

    def logs(self, i, key):
        return [math.log(f[key] / b[key]) for f, b in zip(self.found[i], self.found[0])]

    def error(self, i, key):
        logs = self.logs(i, key)
        return statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else math.inf

    def ratio(self, i, key):
        """What node @i has of @key, over what the first has: the geometric mean of the windows."""
        return math.exp(statistics.mean(self.logs(i, key)))

    def median(self, i, key):
        return statistics.median(f[key] for f in self.found[i])


def forget(folder):
    """Let the system forget the octets of the files in @folder that it has in memory."""
    for name in os.listdir(folder):
        fd = os.open(os.path.join(folder, name), os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def cpu_us(pids):
    """User and system time of processes, their children that have ended included."""
    return sum(ticks(pid) for pid in pids) * TICK_US


def parts_us(pids):
    """CPU us of a broker's processes by what they do: loop, store, others of the broker (signer), and inspectors."""
    found = {"loop": 0.0, "store": 0.0, "other": 0.0, "inspectors": 0.0}
    for pid in pids:
        try:
            with open("/proc/%d/cmdline" % pid, encoding="utf-8", errors="replace") as f:
                broker = "--role\0broker" in f.read()
            threads = os.listdir("/proc/%d/task" % pid) if broker else []
        except OSError:
            continue  # it has just ended
        if not broker:
            found["inspectors"] += ticks(pid) * TICK_US
        for tid in threads:
            try:
                with open("/proc/%d/task/%s/stat" % (pid, tid), encoding="utf-8", errors="replace") as f:
                    name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
            except OSError:
                continue
            part = "loop" if int(tid) == pid else "store" if name.startswith("store-") else "other"
            found[part] += sum(int(n) for n in rest.split()[11:13]) * TICK_US
    return found


def memory_kb(pids, which="Pss"):
    """Proportional set size of all of them together: shared pages are counted once. @which: Pss_Anon, Pss_Shmem: a part of it."""
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
            total += int(re.search(r"^%s:\s+(\d+)" % which, f.read(), re.M).group(1))
    return total


def own_kb(pids):
    """The same without pages of files: the store's are the system's cache."""
    return memory_kb(pids, "Pss_Anon") + memory_kb(pids, "Pss_Shmem")


IDLERS = ["idler-%d" % i for i in range(4)]


def ticks(pid):
    """Clock ticks of a process and of its children that have ended; 0 when it has gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:15])
    except OSError:
        return 0


def flushes_per_second(folder, seconds=1.0):
    """How often a second this disk makes 4 KB durable, one after the other."""
    path = os.path.join(folder, "flush")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(fd, 1 << 22)
        os.fsync(fd)
        n, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            os.pwrite(fd, os.urandom(4096), n % 1024 * 4096)
            os.fdatasync(fd)
            n += 1
        return n / seconds
    finally:
        os.close(fd)
        os.unlink(path)


def first_touch_us(octets):
    """CPU us that a page of 4 KB costs whoever uses it first: clearing it, and, in a virtual machine whose host gives memory page by page,
    the host's work for it. No more than a quarter of what is free is tried."""
    with open("/proc/meminfo", encoding="ascii") as f:
        free = int(re.search(r"^MemAvailable:\s+(\d+)", f.read(), re.M).group(1)) * 1024
    pages = min(octets, free // 4) // 4096
    with mmap.mmap(-1, pages * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as room:
        room.madvise(mmap.MADV_NOHUGEPAGE)
        marks, begun = bytes(pages), time.process_time()
        room[::4096] = marks
        return (time.process_time() - begun) * 1e6 / pages


def as_text(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join("  " + "  ".join([r[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(r[1:], widths[1:])]) for r in rows)


def as_markdown(rows):
    lines = ["| " + " | ".join(r) + " |" for r in rows]
    return "\n".join([lines[0], "|---" + "|---:" * (len(rows[0]) - 1) + "|"] + lines[1:])


def document(path, name, parts):
    """Put @parts into a page, between the marks of @name."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"(<!-- %s -->\n).*(<!-- end of %s -->)" % (name, name), lambda m: m.group(1) + "\n\n".join(parts) + "\n" + m.group(2), text,
                  flags=re.S)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def verify_us():
    """What `openssl speed` says of one RSA-2048 verification, in us."""
    status, out, err = px.run(["openssl", "speed", "-seconds", "1", "rsa2048"], timeout=60)
    m = re.search(r"^rsa\s+2048 bits.*\s([\d.]+)\s*$", out, re.M)
    if status != 0 or not m:
        raise RuntimeError("openssl speed: " + err)
    return 1e6 / float(m.group(1))
