# prinex: a power cut: what the shim noted as written or renamed and not flushed is taken back
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""What was written is lost in any choice: pages reach the disk in any order. Names that were made, moved and removed are lost from
some moment on: a folder's changes reach the disk in their order. What was written is found by its inode, for its file may have
been moved."""
import os
import shutil
import struct
from collections import namedtuple

HEAD = struct.Struct("=6I4Q")  # struct record in shim.c
Change = namedtuple("Change", "when kind path other old new_len inode offset size")


def changes(undo):
    """All that is not flushed, the first first."""
    found = []
    for name in os.listdir(undo):
        if name.startswith("k-"):
            continue
        with open(os.path.join(undo, name), "rb") as f:
            data = f.read()
        at = 0
        while at + HEAD.size <= len(data):
            kind, path_len, other_len, old_len, new_len, _, when, inode, offset, size = HEAD.unpack_from(data, at)
            at += HEAD.size
            path, other, old = (data[at + a:at + a + n] for a, n in ((0, path_len), (path_len, other_len), (path_len + other_len, old_len)))
            at += path_len + other_len + old_len
            if at <= len(data):  # else it died while it noted it, before it was done
                found.append(Change(when, chr(kind), path, other, old, new_len, inode, offset, size))
    return sorted(found)


def unwrite(store, c, whole):
    """@whole: the file gets its old length, too; else what was not there before may be nothing but zeros."""
    for folder, _, files in os.walk(os.fsencode(store)):
        for path in (os.path.join(folder, name) for name in files):
            if os.stat(path).st_ino == c.inode:
                with open(path, "r+b") as f:
                    f.seek(c.offset)
                    f.write(c.old if whole else c.old.ljust(c.new_len, b"\0"))
                    if whole:
                        f.truncate(c.size)
                return


def unname(c):
    gone = os.path.dirname(c.path) if c.kind in "UD" else c.path
    if not os.path.exists(gone):
        return  # moved or removed since, and that is flushed
    if c.kind == "C" and os.path.isdir(c.path):
        shutil.rmtree(c.path)
    elif c.kind == "C":
        os.unlink(c.path)
    elif c.kind == "R":
        os.rename(c.path, c.other)
    elif c.kind == "U":
        os.link(c.other, c.path)
    elif c.kind == "D":
        os.mkdir(c.path, 0o700)


def take_back(undo, store, chance=None):
    """What is not flushed is lost: all of it, or what @chance says. @return how many changes."""
    all_of_it = changes(undo)
    names = [c for c in all_of_it if c.kind != "W"]
    kept = set(names[:chance.randint(0, len(names))]) if chance else set()
    taken = 0
    for c in reversed(all_of_it):
        if c in kept or (c.kind == "W" and chance and chance.random() < 0.5):  # it had reached the disk all the same
            continue
        taken += 1
        if c.kind == "W":
            unwrite(store, c, whole=chance is None)
        else:
            unname(c)
    shutil.rmtree(undo)
    return taken
