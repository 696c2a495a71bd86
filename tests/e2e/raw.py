# prinex: an authority's system made of nothing but xmlsec1 and an HTTPS client, independent of our own client
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import base64
import hashlib
import os
import re
import subprocess
import time

import px

TEMPLATE = """<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>\
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>\
<ds:SignatureMethod Algorithm="{method}"/>\
<ds:Reference URI=""><ds:Transforms>\
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>\
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>\
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
<ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>"""
RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"


def now(offset=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


def payload_of(path):
    """The root element's octets: no declaration, no prolog."""
    with open(path, "rb") as f:
        data = f.read()
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    return re.sub(rb"^\s*(<\?xml[^>]*\?>|<!--.*?-->|\s)*", b"", data, count=1, flags=re.S).rstrip()


def about(payload, lrn=None, mrn=None):
    """The payload about another consignment."""
    for tag, value in ((b"LRN", lrn), (b"MRN", mrn)):
        if value:
            payload = re.sub(rb"<%s>[^<]*</%s>" % (tag, tag), b"<%s>%s</%s>" % (tag, value.encode(), tag), payload)
    return payload


def exchange(payload, mid, type, sender="BY", recipients=("UA",), environment="test", created=None, extra_header="",
             version="", expires=""):
    """An unsigned exchange with a signature template at its end."""
    if isinstance(payload, str):
        payload = payload.encode()
    head = "<px:MessageId>%s</px:MessageId><px:Environment>%s</px:Environment><px:Sender>%s</px:Sender>" % (mid, environment, sender)
    head += "".join("<px:Recipient>%s</px:Recipient>" % r for r in recipients)
    head += "<px:MessageType>%s</px:MessageType>" % type
    head += "<px:TypeVersion>%s</px:TypeVersion>" % version if version else ""
    head += "<px:CreatedAt>%s</px:CreatedAt>" % (created or now())
    head += "<px:ExpiresAt>%s</px:ExpiresAt>" % expires if expires else ""
    return (b'<px:Exchange xmlns:px="urn:prinex:exchange:1"><px:Header>' + (head + extra_header).encode() +
            b"</px:Header><px:Payload>" + payload + b"</px:Payload>@SIGNATURE@</px:Exchange>")


def sign(doc, key, cert, method=RSA, work="/tmp", plain=False):
    """Sign with xmlsec1's command line. @cert: leaf with its chain, in one file. @plain: xmlsec1 signs without knowing the
    certificates (it refuses unfit ones), and KeyInfo, which no signature covers, is put in afterwards."""
    if plain:  # of whatever kind the key is
        kind = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], stdout=subprocess.PIPE, timeout=60, check=True).stdout
        method = ECDSA if b"ASN1 OID" in kind else RSA
    template = TEMPLATE.format(method=method)
    keyinfo = re.search(r"<ds:KeyInfo>.*</ds:KeyInfo>", template).group(0)
    src = os.path.join(work, "raw-template.xml")
    with open(src, "wb") as f:
        f.write(doc.replace(b"@SIGNATURE@", (template.replace(keyinfo, "") if plain else template).encode()))
    with open(cert, encoding="ascii") as f:
        pems = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", f.read(), re.S)
    chain = []
    for i, pem in enumerate([] if plain else pems):
        path = os.path.join(work, "raw-cert-%d.pem" % i)
        with open(path, "w", encoding="ascii") as f:
            f.write("-----BEGIN CERTIFICATE-----%s-----END CERTIFICATE-----\n" % pem)
        chain.append(path)
    argv = ["xmlsec1", "--sign", "--privkey-pem", ",".join([key] + chain), "--output", "-", src]
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    if p.returncode != 0:
        raise RuntimeError("xmlsec1: " + p.stderr.decode())
    out = re.sub(rb"^<\?xml[^>]*\?>\s*", b"", p.stdout).rstrip(b"\n")
    if plain:
        certs = "".join("<ds:X509Certificate>%s</ds:X509Certificate>" % c.strip() for c in pems)
        out = out.replace(b"</ds:SignatureValue>", ("</ds:SignatureValue><ds:KeyInfo><ds:X509Data>%s</ds:X509Data></ds:KeyInfo>" % certs).encode())
    return out


def verify(doc, anchors, work="/tmp"):
    """Verify with xmlsec1's command line, against these anchors only."""
    path = os.path.join(work, "raw-verify.xml")
    with open(path, "wb") as f:
        f.write(doc)
    p = subprocess.run(["xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", anchors, path],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    return p.returncode == 0, p.stdout.decode("utf-8", "replace")


def coa(doc, issuer, kind="CoA", error=""):
    """A confirmation of an exchange's octets, with a signature template."""
    mid = re.search(rb"<px:MessageId>(.*?)<", doc).group(1).decode()
    sender = re.search(rb"<px:Sender>(.*?)<", doc).group(1).decode()
    klass = "<px:Class>permanent</px:Class>" if kind == "CoE" else ""
    return ('<px:Confirmation xmlns:px="urn:prinex:exchange:1"><px:Kind>%s</px:Kind>%s<px:ConfirmationId>R%s</px:ConfirmationId>'
            "<px:Issuer>%s</px:Issuer><px:RefSender>%s</px:RefSender><px:RefMessageId>%s</px:RefMessageId>"
            "<px:RefDigest>%s</px:RefDigest><px:At>%s</px:At>%s@SIGNATURE@</px:Confirmation>" % (
                kind, klass, os.urandom(6).hex(), issuer, sender, mid, hashlib.sha256(doc).hexdigest(), now(), error)).encode()


class System(px.Peer):
    """A system that signs with xmlsec1 and talks raw HTTPS."""

    def make(self, path, type, mid=None, ec=False, lrn=None, mrn=None, **kw):
        payload = about(payload_of(path), lrn, mrn)
        doc = exchange(payload, mid or fresh(self.authority), type, sender=kw.pop("sender", self.authority), **kw)
        return self.seal(doc, ec)

    def seal(self, doc, ec=False):
        cert, key = self.sign_cert, self.sign_key
        if ec:
            cert, key = cert.replace("sign.pem", "sign-ec.pem"), key.replace("sign.key", "sign-ec.key")
        return sign(doc, key, cert, ECDSA if ec else RSA, self.dir)

    def fetch(self, wait=5):
        return self.request("GET", "/v1/inbox?wait=%d" % wait, timeout=wait + 60)

    def confirm(self, fetched, kind="CoA", error=""):
        doc = self.seal(coa(fetched.body, self.authority, kind, error))
        return self.request("POST", "/v1/inbox/" + fetched.headers["prinex-delivery"], body=doc)


def fresh(authority="BY"):
    return authority.replace(".", "") + time.strftime("%Y%m%d%H%M%S", time.gmtime()) + os.urandom(5).hex()


def evidence_of(doc):
    """Octets of the evidence inside a CoD."""
    m = re.search(rb"<px:Evidence>(.*?)</px:Evidence>", doc, re.S)
    return base64.b64decode(m.group(1)) if m else None
