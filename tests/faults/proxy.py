# prinex: a TCP proxy that does what bad networks do
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""Proxy(target_port, seed) listens on loopback and passes connections on, each as one of `moods` (drawn from the seed):

    fine             passed on
    delay            each piece 20 to 300 ms late
    drip             the first kilobyte of each piece in segments of one byte
    reset            ended by RST after some octets, in whichever direction
    hole             taken, and never heard of again
    cut              the request arrives whole; when its answer comes the connection ends

No connection lives longer than LIFE seconds, so that there are many."""
import random
import socket
import struct
import threading
import time

MOODS = ("fine", "delay", "drip", "reset", "hole", "cut")
LIFE = 1.5
REQUEST = 3000  # octets from the client that are more than a handshake


def abort(s):
    """RST instead of FIN."""
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    s.close()


class Connection:
    def __init__(self, proxy, client, mood, chance):
        self.proxy, self.client, self.mood, self.chance = proxy, client, mood, chance
        self.server = None
        self.until = time.monotonic() + chance.uniform(0.2, LIFE)
        self.asked = 0  # octets from the client since the server last answered
        self.left = chance.randrange(1, 20000) if mood == "reset" else None
        self.answers = chance.randrange(1, 4)  # cut: before which one

    def run(self):
        if self.mood == "hole":
            self.proxy.ending.wait(30)
            abort(self.client)
            return
        try:
            self.server = socket.create_connection(("127.0.0.1", self.proxy.target), 5)
            for s in (self.client, self.server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.settimeout(None)
        except OSError:  # nobody there; or its time was over before
            abort(self.client)
            if self.server:
                abort(self.server)
            return
        threading.Thread(target=self.pump, args=(self.server, self.client, False), daemon=True).start()
        self.pump(self.client, self.server, True)

    def pump(self, source, sink, asking):
        try:
            while True:
                data = source.recv(16384)
                if not data or not self.may_pass(data, asking):
                    break
                self.pass_on(sink, data)
        except OSError:
            pass
        abort(source)
        abort(sink)

    def may_pass(self, data, asking):
        if self.left is not None:
            self.left -= len(data)
            return self.left > 0
        if asking:
            self.asked += len(data)
        elif self.asked > REQUEST:
            self.asked, self.answers = 0, self.answers - 1
            if self.mood == "cut" and self.answers == 0:
                self.proxy.cuts += 1
                return False
        return True

    def pass_on(self, sink, data):
        if self.mood == "delay":
            time.sleep(self.chance.uniform(0.02, 0.3))
        if self.mood == "drip":
            for i in range(min(len(data), 1000)):
                sink.sendall(data[i:i + 1])
            data = data[1000:]
        sink.sendall(data)


class Proxy:
    def __init__(self, target, seed=0, moods=MOODS):
        self.target, self.chance, self.moods = target, random.Random(seed), moods
        self.ending, self.cuts, self.had = threading.Event(), 0, {}
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(128)
        self.port = self.socket.getsockname()[1]
        self.url = "https://127.0.0.1:%d" % self.port
        self.open = []
        threading.Thread(target=self.run, daemon=True).start()
        threading.Thread(target=self.end_old, daemon=True).start()

    def end_old(self):
        while not self.ending.wait(0.1) and self.moods != ("fine",):
            for c in list(self.open):
                if time.monotonic() > c.until and c.mood != "hole":
                    abort(c.client)

    def run(self):
        while not self.ending.is_set():
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            mood = self.chance.choice(self.moods)
            self.had[mood] = self.had.get(mood, 0) + 1
            c = Connection(self, client, mood, random.Random(self.chance.random()))
            self.open = [o for o in self.open if o.client.fileno() >= 0] + [c]
            threading.Thread(target=c.run, daemon=True).start()

    def calm(self):
        """From now on connections are passed on; those that stand in another mood end."""
        self.moods = ("fine",)
        for c in self.open:
            if c.mood != "fine":
                abort(c.client)

    def close(self):
        self.ending.set()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        for c in self.open:
            abort(c.client)
