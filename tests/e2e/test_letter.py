#!/usr/bin/env python3
# prinex: the pre-arrival letter for an authority that is not connected: languages, self-contained, its code
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import ctypes
import glob
import hashlib
import html
import os
import re
import stat

import px
import bulk
import fake

LETTERS = os.path.join(px.ROOT, "schemas", "letters")


class Code(ctypes.Structure):
    _fields_ = [("version", ctypes.c_int), ("width", ctypes.c_int), ("data", ctypes.POINTER(ctypes.c_ubyte))]


def modules_of(content):
    """The dark modules of the code for this text, as the library makes it."""
    lib = ctypes.CDLL("libqrencode.so.4")
    lib.QRcode_encodeString8bit.restype = ctypes.POINTER(Code)
    code = lib.QRcode_encodeString8bit(content.encode(), 0, 1).contents
    return {(i % code.width, i // code.width) for i in range(code.width * code.width) if code.data[i] & 1}


def modules_drawn(page):
    path = re.search(r'<path d="([^"]*)"', page).group(1)
    return {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path)}


with px.Lab("BY", "XA") as lab:
    by = lab.broker("BY")
    customs, sys_xa = (bulk.System(lab, a, broker=by) for a in ("BY", "XA"))
    taken = fake.Server(sys_xa, os.path.join(lab.pki, "XA", "system"), fake.good)
    official = 'official = "%s"' % px.CORPUS if px.corpus("ncts5", "xsd", "cd001c.xsd") else ""
    by.write(by.head(official) + by.trust("BY", "XA") + by.partner("system-by", "BY", "system") + by.partner("system-xa", "XA", "system", url=taken.url))
    by.start()

    def accepted(path, kind, recipients):
        doc = customs.make(path, kind, recipients=recipients)
        r = customs.post(doc)
        if r.status != 201:
            raise RuntimeError(r.text())
        return doc, "BY/" + re.search(rb"<px:MessageId>(.*?)<", doc).group(1).decode()

    def letter(*args):
        status, out, err = px.run([px.program("prinexctl"), "--socket", by.socket, "letter", "--letters", LETTERS] + list(args))
        return status, out + err

    with open(px.example("TransitDeclaration-several.xml"), encoding="utf-8") as f:
        text = f.read()
    path = os.path.join(lab.dir, "hostile.xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(r"(<Consignor>.*?<name [^>]*>)[^<]*", r'\g<1>&lt;script&gt;alert(1)&lt;/script&gt; &amp; "&#x202E;Sö&#x2067;hne&#x2066;"', text, count=1, flags=re.S))
    doc, mid = accepted(path, "TransitDeclaration", ("XA", "MD"))
    digest = hashlib.sha256(doc).hexdigest()
    mrn = re.search(r"<MRN>(.*?)<", text).group(1)

    # --- one page, for who is not connected, in its country's language
    status, page = letter(mid)
    px.ok(status == 0 and '<html lang="ro">' in page and "Scrisoare de informare" in page and "<td>MD</td>" in page, "for MD, which is not connected, in Romanian", page)
    px.ok(not re.search(r"<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import|{sender}|{recipient}|{message}", page) and "default-src 'none'" in page,
          "the page loads nothing and runs nothing")
    px.ok("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Söhne&quot;" in page, "what the declaration says is text, whatever it says")
    px.ok(not re.search("[\u202a-\u202e\u2066-\u2069]", page), "and cannot turn round how the rest of its line reads")
    px.ok("@page{size:A4" in page and mrn in page and digest in page.replace(" ", "") and mid.split("/")[1] in page, "it says MRN, message id and digest, and how large it prints")
    px.ok(modules_drawn(page) == modules_of("PRINEX %s\nMRN %s\nSHA-256 %s" % (mid, mrn, digest)), "the code holds the same")
    said = [re.search("<%s>\\s*<[^>]*>([^<]*)" % e, text).group(1) for e in
            ("CustomsOfficeOfDeparture", "CustomsOfficeOfDestination")] + re.findall(r"<containerIdentificationNumber>(.*?)<", text) + \
        [html.escape(s) for s in re.findall(r"<Seal>.*?<identifier>(.*?)<", text, re.S)]
    px.ok(said and all(s in page for s in said), "offices, containers and seals are on it", [s for s in said if s not in page])
    secret = re.findall(r"<(?:GRN|accessCode|otherGuaranteeReference)>(.*?)<", text)
    px.ok(secret and not any(s in page for s in secret), "guarantees are not", [s for s in secret if s in page])

    # --- languages
    files = sorted(glob.glob(os.path.join(LETTERS, "*.conf")))
    for name in (os.path.basename(f)[:-5] for f in files):
        status, page = letter(mid, "--language", name)
        px.ok(status == 0 and '<html lang="%s">' % name in page and digest in page.replace(" ", ""), "in language %s every text is there" % name, page[:500])
    px.ok(len(files) >= 5 and letter(mid, "--language", "xx")[0] == 1, "a language that nobody translated is said to be missing")
    status, page = letter(mid, "--to", "XA")
    px.ok(status == 0 and '<html lang="en">' in page, "for a country without a translation in English; also for who is connected, when asked for")

    # --- for whom
    _, both = accepted(px.example("PreArrivalNotice-several.xml"), "PreArrivalNotice", ("XA", "MD", "PL"))
    status, out = letter(both)
    px.ok(status == 1 and "--to" in out, "two that are not connected: it must be said for whom", out)
    status, page = letter(both, "--to", "PL")
    px.ok(status == 0 and '<html lang="pl">' in page, "then it is made")
    px.ok(letter(both, "--to", "UA")[0] == 1, "not for who is no recipient")

    # --- nobody is connected: refused, and the letter is made from the sender's own file
    alone = customs.make(px.example("PreArrivalNotice-small.xml"), "PreArrivalNotice", recipients=("MD",))
    r = customs.post(alone)
    mid = "BY/" + re.search(rb"<px:MessageId>(.*?)<", alone).group(1).decode()
    kept = os.path.join(lab.dir, "alone.px")
    with open(kept, "wb") as f:
        f.write(alone)
    px.ok(r.status == 422 and "PX-ROUTE" in r.text() and letter(mid)[0] == 1, "a message that nobody gets is refused: there is no such message here", r.text())
    status, page = letter("--from", kept)
    digest = hashlib.sha256(alone).hexdigest()
    px.ok(status == 0 and '<html lang="ro">' in page and "<td>MD</td>" in page and digest in page.replace(" ", "") and
          modules_drawn(page) == modules_of("PRINEX %s\nMRN 26BY006713000451B8\nSHA-256 %s" % (mid, digest)) and "Acceptat" not in page,
          "its letter is made from the signed file, and says nothing of an acceptance", page)
    with open(kept, "wb") as f:
        f.write(alone.replace(b"AE47125", b"AE47126"))
    status, page = letter("--from", kept)
    px.ok(status == 1 and "PX-SIG" in page and "<html" not in page, "not from one that was changed after it was signed", page)
    status, page = letter("--from", kept, mid)
    px.ok(status == 2 and "or --from FILE" in page and letter()[0] == 2, "a message or a file, not both, not neither", page)

    # --- the same words in NCTS
    if official:
        record = os.path.join(px.ROOT, "tests", "rules", "CD001C.xml")
        status, page = letter(accepted(record, "CD001C", ("XA", "UA"))[1])
        px.ok(status == 0 and '<html lang="uk">' in page and all(s in page for s in ("26ROIS8230055102K8", "ROIS8230", "UA205020", "UA408050")),
              "a record of NCTS is read as well", page)
    else:
        px.skip("a record of NCTS is read as well", "there is no corpus")

    # --- the file
    out = os.path.join(lab.dir, "letter.html")
    px.ok(letter(both, "--to", "MD", "--out", out)[0] == 0 and stat.S_IMODE(os.stat(out).st_mode) == 0o600, "written to a file that only its owner reads")
    px.ok(letter(both, "--to", "MD", "--out", out)[0] == 1, "which is never overwritten")
    journal = by.ctl("journal", "tail")
    px.ok("read" in str(journal), "that it was read is in the journal", journal)
    if os.environ.get("PX_LETTERS"):  # to look at
        for f in files:
            with open(os.path.join(os.environ["PX_LETTERS"], os.path.basename(f) + ".html"), "w", encoding="utf-8") as o:
                o.write(letter(both, "--to", "MD", "--language", os.path.basename(f)[:-5])[1])
    taken.close()
px.done()
